package orders

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bootstrap is the address of the broker that all tests of this package share.
var bootstrap string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "broker")
	if err != nil {
		panic(err)
	}
	broker, address, err := startBroker(filepath.Join(folder, "ready"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bootstrap = address
	code := m.Run()
	broker.Process.Kill() // nothing is on disk: there is nothing to close
	broker.Wait()
	os.RemoveAll(folder)
	os.Exit(code)
}

// startBroker starts a broker in memory on a free port, which ends with this process, however that ends.
func startBroker(readyFile string) (*exec.Cmd, string, error) {
	broker := exec.Command("ottla", "serve", "--memory",
		"--set", "listeners=PLAINTEXT://127.0.0.1:0",
		"--set", "group.initial.rebalance.delay.ms=0",
		"--ready-file", readyFile, "--exit-with-parent")
	broker.Stderr = os.Stderr
	if err := broker.Start(); err != nil {
		return nil, "", err
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if content, err := os.ReadFile(readyFile); err == nil {
			address, _, _ := strings.Cut(string(content), "\n")
			return broker, address, nil
		}
	}
	broker.Process.Kill()
	return nil, "", fmt.Errorf("the broker is not ready: %w", broker.Wait())
}
