// In a Hono app.
import { serve } from "@hono/node-server";
import { createService } from "@medinfer/server";
import { Hono } from "hono";

const service = createService({ models: [{ name: "medinfer-tiny", keepLoaded: true }] });
const app = new Hono();
app.get("/mine", (c) => c.text("mine"));
app.route("/", service.app);
await service.start();
const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080), hostname: "127.0.0.1" }, (info) => {
  console.log(`http://127.0.0.1:${info.port}`);
});
process.once("SIGTERM", async () => {
  server.close();
  await service.close();
});
