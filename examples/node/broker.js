// A broker for tests: in memory, on a free port, gone when this process is.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Start a broker; returns its address and what stops it. */
export async function startBroker() {
  const folder = await mkdtemp(join(tmpdir(), "broker-"));
  const readyFile = join(folder, "ready");
  const settings = ["listeners=PLAINTEXT://127.0.0.1:0", "group.initial.rebalance.delay.ms=0"];
  const broker = spawn(
    "ottla",
    ["serve", "--memory", ...settings.flatMap((one) => ["--set", one]), "--ready-file", readyFile, "--exit-with-parent"],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const failed = new Promise((_, reject) => {
    broker.once("error", reject);
    broker.once("exit", (code) => reject(new Error(`the broker ended with ${code}`)));
  });
  failed.catch(() => {}); // once it is ready, it may end
  const address = await Promise.race([firstLineOf(readyFile), failed]);

  return {
    address,
    async stop() {
      broker.kill();
      await failed.catch(() => {});
      await rm(folder, { recursive: true });
    },
  };
}

async function firstLineOf(path) {
  for (;;) {
    try {
      return (await readFile(path, "utf8")).split("\n")[0];
    } catch {
      await sleep(5);
    }
  }
}
