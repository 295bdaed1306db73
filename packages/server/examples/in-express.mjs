// In an Express app. A body that express.json() has read before is taken as it left it.
import { createService } from "@medinfer/server";
import express from "express";

const service = createService({ models: [{ name: "medinfer-tiny", keepLoaded: true }] });
const app = express();
app.get("/mine", (_request, response) => response.send("mine"));
app.use(service.listener);
await service.start();
const server = app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.once("SIGTERM", async () => {
  server.close();
  await service.close();
});
