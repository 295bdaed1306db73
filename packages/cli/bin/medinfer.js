#!/usr/bin/env node
// In a file of its own, because npm links a command only to a file that is there: dist/ is built after that.
import { main } from "../dist/main.js";

await main(process.argv);
