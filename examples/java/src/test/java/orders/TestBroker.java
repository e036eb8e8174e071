package orders;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A broker for tests: in memory, on a free port, gone when this process is. */
final class TestBroker implements AutoCloseable {
    private final Process process;
    private final Path folder;
    private final String address;

    TestBroker() throws IOException, InterruptedException {
        folder = Files.createTempDirectory("broker");
        Path readyFile = folder.resolve("ready");
        process = new ProcessBuilder(
                        "ottla", "serve", "--memory",
                        "--set", "listeners=PLAINTEXT://127.0.0.1:0",
                        "--set", "group.initial.rebalance.delay.ms=0",
                        "--ready-file", readyFile.toString(), "--exit-with-parent")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        while (!Files.exists(readyFile)) {
            if (process.waitFor(5, TimeUnit.MILLISECONDS)) {
                throw new IOException("the broker ended with " + process.exitValue());
            }
        }
        address = Files.readAllLines(readyFile).get(0);
    }

    /** Returns what a client's bootstrap.servers is set to. */
    String address() {
        return address;
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        process.waitFor();
        Files.delete(folder);
    }
}
