// Package driver is what the Go drivers share: the protocol of compat/README.md, one JSON object per line.
//
// A client is a table of handlers, one for each operation. Run reads requests, calls the handler under the request's
// time limit and writes its answer. What stands in no table is answered with "none".
package driver

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// Map is an answer, or a part of one.
type Map = map[string]any

// Handler does one thing and returns the answer's "ok"; nil stands for an empty one.
type Handler func(ctx context.Context, request *Request) (any, error)

// Client is what Run needs to know of a client library.
type Client struct {
	Name     string
	Module   string // the Go module whose version is the client's
	Handlers map[string]Handler
	Code     func(error) (int, bool) // Kafka's error code inside an error of the library
	Close    func()                  // called at the end of stdin
}

// none is an error that says that the client has no such feature.
type none struct{ reason string }

func (n none) Error() string { return n.reason }

// None answers a request for what the client library lacks.
func None(format string, arguments ...any) error { return none{fmt.Sprintf(format, arguments...)} }

// maxLineBytes is above the protocol's limit of a line.
const maxLineBytes = 16 << 20

// Run serves requests until stdin ends.
func Run(client Client) {
	version := Version(client.Module)
	writer := bufio.NewWriter(os.Stdout)
	tell := func(answer Map) {
		line, err := json.Marshal(answer)
		if err != nil {
			line, _ = json.Marshal(Map{"id": answer["id"], "error": "driver: " + err.Error(), "code": nil})
		}
		writer.Write(line)
		writer.WriteByte('\n')
		writer.Flush()
	}
	tell(Map{"client": client.Name, "version": version, "ready": true})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<16), maxLineBytes)
	for lines.Scan() {
		request := newRequest()
		if err := json.Unmarshal(lines.Bytes(), request); err != nil {
			tell(Map{"id": request.ID, "error": "driver: " + err.Error(), "code": nil})
			continue
		}
		tell(client.answer(request, version))
	}
	if client.Close != nil {
		client.Close()
	}
}

// answer calls the handler, but waits no longer for it than the request allows and a little.
func (client Client) answer(request *Request, version string) Map {
	handler, known := client.Handlers[request.Do]
	if !known {
		return Map{"id": request.ID, "none": fmt.Sprintf("%s %s has no %s", client.Name, version, request.Do)}
	}
	limit := time.Duration(request.TimeoutMs) * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	type outcome struct {
		ok  any
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		ok, err := handler(ctx, request)
		done <- outcome{ok, err}
	}()
	var got outcome
	select {
	case got = <-done:
	case <-time.After(limit + 500*time.Millisecond):
		got.err = fmt.Errorf("no answer from the client after %v", limit)
	}
	var lacking none
	switch {
	case errors.As(got.err, &lacking):
		return Map{"id": request.ID, "none": lacking.reason}
	case got.err != nil:
		var code any
		if number, known := client.Code(got.err); known {
			code = number
		}
		return Map{"id": request.ID, "error": strings.Join(strings.Fields(got.err.Error()), " "), "code": code}
	case got.ok == nil:
		return Map{"id": request.ID, "ok": Map{}}
	}
	return Map{"id": request.ID, "ok": got.ok}
}

// Version is the version of a module that this program was built with.
func Version(module string) string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "unknown"
}

// Every calls send for each number below count, evenly at the rate, or at once without one.
func Every(count int, perSecond *float64, send func(number int)) {
	start := time.Now()
	for number := range count {
		if perSecond != nil {
			time.Sleep(time.Until(start.Add(time.Duration(float64(number) / *perSecond * float64(time.Second)))))
		}
		send(number)
	}
}

// UUIDText is a topic's id as Kafka writes it: base64 for URLs, without padding.
func UUIDText(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// OtherCalls makes each call once and tells what it said: the answer to "other_calls".
func OtherCalls(calls map[string]func() error) Map {
	outcomes := map[string]*string{}
	for name, call := range calls {
		outcomes[name] = nil
		if err := call(); err != nil {
			text := err.Error()
			outcomes[name] = &text
		}
	}
	return Map{"calls": outcomes}
}
