// In a Fastify app: it hands the request over, body unread.
import { createService } from "@medinfer/server";
import fastify from "fastify";

const service = createService({ models: [{ name: "medinfer-tiny", keepLoaded: true }] });
const app = fastify();
app.get("/mine", () => "mine");
app.register(async (scope) => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  scope.all("/*", (request, reply) => {
    reply.hijack();
    service.listener(request.raw, reply.raw);
  });
});
await service.start();
console.log(await app.listen({ port: Number(process.env.PORT ?? 8080), host: "127.0.0.1" }));
process.once("SIGTERM", async () => {
  await app.close();
  await service.close();
});
