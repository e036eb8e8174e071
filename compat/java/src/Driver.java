import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The driver of Kafka's own Java client, one source for all its versions (compat/README.md has the protocol).
 *
 * <p>What only newer versions have is called by name ({@link Newer}), so the same classes compile against each.
 */
public final class Driver {
    /** Does one thing and returns the answer's "ok". */
    interface Handler {
        Map<String, Object> handle(Request request) throws Exception;
    }

    /** The client has no such feature. */
    static final class None extends RuntimeException {
        private static final long serialVersionUID = 1;

        None(String reason) {
            super(reason);
        }
    }

    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final String VERSION = AppInfoParser.getVersion();
    private static final int GRACE_MS = 500;

    private final PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    private final ExecutorService worker = Executors.newCachedThreadPool(
        task -> {
            Thread thread = new Thread(task, "requests");
            thread.setDaemon(true);
            return thread;
        });
    private final Map<String, Handler> handlers = new LinkedHashMap<>();
    private final Producers producers = new Producers();
    private final Group group = new Group();
    private final AdminCalls admin = new AdminCalls();

    private Driver() {
        handlers.put("produce", producers::produce);
        handlers.put("consume", Reading::consume);
        handlers.put("watermarks", Reading::watermarks);
        handlers.put("offset_for_time", Reading::offsetForTime);
        group.register(handlers);
        admin.register(handlers);
    }

    public static void main(String[] arguments) throws IOException {
        // Standard output belongs to the protocol, whoever else would print there.
        System.setOut(System.err);
        new Driver().serve();
        System.exit(0);
    }

    private void serve() throws IOException {
        tell(Map.of("client", "kafka-clients", "version", VERSION, "ready", true));
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            tell(answer(new Request(line)));
        }
        group.close();
        producers.close();
        admin.close();
    }

    private void tell(Map<String, Object> answer) {
        out.print(GSON.toJson(answer));
        out.print('\n');
        out.flush();
    }

    /** Calls the handler, but waits no longer for it than the request allows and a little. */
    private Map<String, Object> answer(Request request) {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("id", request.number("id"));
        Handler handler = handlers.get(request.text("do"));
        if (handler == null) {
            answer.put("none", "kafka-clients " + VERSION + " has no " + request.text("do"));
            return answer;
        }
        Future<Map<String, Object>> running = worker.submit(() -> handler.handle(request));
        try {
            answer.put("ok", running.get(request.timeout().toMillis() + GRACE_MS, TimeUnit.MILLISECONDS));
        } catch (TimeoutException late) {
            running.cancel(true);
            answer.put("error", "no answer from the client after " + request.timeout());
            answer.put("code", null);
        } catch (InterruptedException | ExecutionException failure) {
            explain(answer, failure);
        }
        return answer;
    }

    private static boolean isWrapper(Throwable cause) {
        return cause instanceof ExecutionException || cause instanceof CompletionException;
    }

    private static void explain(Map<String, Object> answer, Throwable failure) {
        Throwable cause = failure;
        while (isWrapper(cause) && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof None) {
            answer.put("none", cause.getMessage());
            return;
        }
        if (!(cause instanceof org.apache.kafka.common.errors.ApiException)) {
            cause.printStackTrace();
        }
        Errors error = Errors.forException(cause);
        answer.put("error", (cause.getClass().getSimpleName() + ": " + cause.getMessage()).replaceAll("\\s+", " "));
        answer.put("code", error == Errors.UNKNOWN_SERVER_ERROR ? null : error.code());
    }
}
