// Beside paths of your own in a server of node:http.
import { createServer } from "node:http";
import { createService } from "@medinfer/server";

const service = createService({ models: [{ name: "medinfer-tiny", keepLoaded: true }] });
const server = createServer((request, response) => {
  if (request.url === "/mine") response.end("mine");
  else service.listener(request, response);
});
await service.start();
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.once("SIGTERM", async () => {
  server.close();
  await service.close();
});
