/** Opens a queue, and keeps it until it is killed. */
import process from "node:process";

import { openQueue } from "@medinfer/batch";

await openQueue(process.argv[2]);
process.send("open");
process.on("disconnect", () => process.exit());
setInterval(() => {}, 1000);
