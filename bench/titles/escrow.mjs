// The peer `tradetrust`: TradeTrust's title escrow on a local chain (anvil), asked line by line.
//
//   node escrow.mjs FOLDER   where FOLDER/node_modules holds the packages of package.json
//
//   {"do": "setup", "lanes", "titles"}   deploys the registry; mints `titles` for each lane, held by its first account
//   {"do": "alone", "count"}             transferHolder, each waited for, as a user of ethers does it
//   {"do": "flight", "count"}            the same, signed beforehand, one in flight for each lane
//   {"do": "check"}                      whether every title is held by whom it should be
//
// A lane is a pair of accounts that hand its titles to and fro, so that nobody's transactions overtake each other.
// Every transaction is a block of its own, at once (automine). Nothing is written to a disk.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import readline from "node:readline";

const packages = path.join(path.resolve(process.argv[2]), "node_modules");
const { ethers } = createRequire(path.join(packages, "x.js"))("ethers");
const artifact = (name) =>
  JSON.parse(readFileSync(path.join(packages, "@tradetrust-tt/token-registry/dist/artifacts", `${name}.sol/${name}.json`), "utf8"));
const MNEMONIC = "test test test test test test test test test test test junk";
const GAS = { gasLimit: 200_000n, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n, type: 2 };

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
let port, chain, provider, chainId;
let lanes = [];

function rpc(method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port, method: "POST", agent, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) } },
      (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => {
          const told = JSON.parse(Buffer.concat(parts));
          told.error ? reject(new Error(told.error.message)) : resolve(told.result);
        });
      },
    );
    request.on("error", reject).end(body);
  });
}

async function start(accounts) {
  const folder = readdirSync(path.join(packages, "@foundry-rs")).find((name) => name.startsWith("anvil-"));
  port = await freePort();
  chain = spawn(path.join(packages, "@foundry-rs", folder, "bin/anvil"), ["--port", `${port}`, "--accounts", `${accounts}`, "--silent", "--order", "fifo", "--prune-history", "64"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.on("exit", () => chain.kill("SIGKILL"));
  for (let tries = 0; ; tries++) {
    try {
      chainId = BigInt(await rpc("eth_chainId", []));
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  provider = new ethers.JsonRpcProvider(`http://127.0.0.1:${port}`, Number(chainId), { staticNetwork: true, cacheTimeout: -1, pollingInterval: 5, batchMaxCount: 1 });
}

async function setup({ lanes: count, titles }) {
  await start(2 * count + 1);
  const wallets = Array.from({ length: 2 * count + 1 }, (_, n) =>
    ethers.HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${n}`).connect(provider),
  );
  const issuer = wallets[2 * count];
  const made = async (name, ...args) => {
    const { abi, bytecode } = artifact(name);
    const contract = await new ethers.ContractFactory(abi, bytecode, issuer).deploy(...args);
    await done(contract.deploymentTransaction());
    return contract;
  };
  const factory = await made("TitleEscrowFactory");
  const registry = await made("TradeTrustToken", "Luhai bench", "LB", await factory.getAddress());
  const { abi } = artifact("TitleEscrow");
  let token = 0n;
  for (let n = 0; n < count; n++) {
    const pair = [wallets[2 * n], wallets[2 * n + 1]];
    const escrows = [];
    for (let t = 0; t < titles; t++) {
      token += 1n;
      await done(await registry.mint(pair[0].address, pair[0].address, token, "0x"));
      escrows.push(new ethers.Contract(await registry.ownerOf(token), abi, provider));
    }
    lanes.push({ pair, escrows, moved: escrows.map(() => 0), next: 0, nonces: [0, 0] });
  }
}

// The next transfer of a lane: each title in turn, from whoever holds it.
function step(lane) {
  const title = lane.next % lane.escrows.length;
  lane.next += 1;
  const from = lane.moved[title] % 2;
  lane.moved[title] += 1;
  return { title, from, to: 1 - from };
}

async function alone({ count }) {
  const [lane] = lanes;
  const begun = performance.now();
  for (let n = 0; n < count; n++) {
    const { title, from, to } = step(lane);
    const escrow = lane.escrows[title].connect(lane.pair[from]);
    await done(await escrow.transferHolder(lane.pair[to].address, "0x"));
  }
  return { seconds: (performance.now() - begun) / 1000, count };
}

async function flight({ count }) {
  const each = Math.ceil(count / lanes.length);
  const signed = [];
  for (const lane of lanes) {
    const nonces = await Promise.all(lane.pair.map((wallet) => provider.getTransactionCount(wallet.address)));
    const texts = [];
    for (let n = 0; n < each; n++) {
      const { title, from, to } = step(lane);
      const asked = await lane.escrows[title].transferHolder.populateTransaction(lane.pair[to].address, "0x");
      texts.push(await lane.pair[from].signTransaction({ ...asked, ...GAS, chainId, nonce: nonces[from]++ }));
    }
    signed.push(texts);
  }
  const begun = performance.now();
  const hashes = await Promise.all(
    signed.map(async (texts) => {
      const sent = [];
      for (const text of texts) sent.push(await rpc("eth_sendRawTransaction", [text]));
      return sent;
    }),
  );
  // Done is what stands in a block: the last of each lane is waited for, all are looked at afterwards.
  await Promise.all(hashes.map((sent) => mined(sent[sent.length - 1])));
  const seconds = (performance.now() - begun) / 1000;
  for (const hash of hashes.flat()) await done({ hash });
  return { seconds, count: each * lanes.length };
}

// The receipt is asked for until it is there. (ethers' own wait() sleeps for ever if the block came between its looks.)
async function mined(hash) {
  for (const begun = performance.now(); performance.now() - begun < 30_000; ) {
    const receipt = await rpc("eth_getTransactionReceipt", [hash]);
    if (receipt) return receipt;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`no block took ${hash}`);
}

async function done(transaction) {
  const receipt = await mined(transaction.hash);
  if (receipt.status !== "0x1") throw new Error("reverted");
}

async function check() {
  let wrong = 0;
  for (const { escrows, moved, pair } of lanes)
    for (let t = 0; t < escrows.length; t++) if ((await escrows[t].holder()) !== pair[moved[t] % 2].address) wrong += 1;
  return { wrong };
}

const acts = { setup, alone, flight, check };
for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const told = await acts[order.do](order);
  console.log(JSON.stringify(told ?? { ready: true }));
}
process.exit(0);
