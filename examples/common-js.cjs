const { Engine } = require("medinfer");

async function main() {
  const engine = await Engine.load();
  const { text } = await engine.complete({ prompt: "USER: What is gout?\nASSISTANT:" }).result;
  console.log(text.trim());
  await engine.close();
}

main();
