// A server of its own, without a framework.
import { listen } from "@medinfer/server";

const server = await listen({
  models: [{ name: "medinfer-tiny", keepLoaded: true }], // the tiny model inside the package
  host: "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
});
await server.service.start();
console.log(server.url);
process.once("SIGTERM", () => server.close());
