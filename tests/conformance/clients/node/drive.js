// Does what every client of Toxiproxy can do, and prints what it saw as one JSON list.
const { Toxiproxy } = require("toxiproxy-node-client");

const [host, upstream] = process.argv.slice(2);
const seen = [];

async function drive() {
  const toxiproxy = new Toxiproxy(host);
  const proxy = await toxiproxy.createProxy({ name: "p", listen: "127.0.0.1:0", upstream });
  seen.push(["created", proxy.name, proxy.enabled]);
  await toxiproxy.createProxy({ name: "p", listen: "127.0.0.1:0", upstream }).catch((error) => {
    seen.push(["again", error.message.endsWith("409")]);
  });
  let toxic = await proxy.addToxic({
    name: "slow", type: "latency", stream: "upstream", toxicity: 0.5, attributes: { latency: 5, jitter: 1 },
  });
  seen.push(["added", toxic.name, toxic.stream, toxic.toxicity, toxic.attributes.latency]);
  toxic = await toxic.update({ attributes: { latency: 7 } });
  seen.push(["updated", toxic.attributes.latency, toxic.attributes.jitter]);
  await toxic.remove();
  await proxy.getToxic("slow").catch((error) => seen.push(["gone", error.message.endsWith("404")]));
  seen.push(["disabled", (await proxy.update({ enabled: false })).enabled]);
  await toxiproxy.reset();
  seen.push(["reset", (await toxiproxy.get("p")).enabled]);
  await toxiproxy.populate([{ name: "q", listen: "127.0.0.1:0", upstream }]);
  seen.push(["all", Object.keys(await toxiproxy.getAll()).sort()]);
  await proxy.remove();
  seen.push(["left", Object.keys(await toxiproxy.getAll())]);
}

drive().then(() => console.log(JSON.stringify(seen)));
