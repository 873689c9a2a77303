// Runs bodies of functions, one a line of standard input, and writes what each returns as a line.

import { createInterface } from "node:readline";

const Body = (async () => {}).constructor;
const [folder] = process.argv.slice(2);
const load = (name) => import(new URL(name, folder));

for await (const line of createInterface({ input: process.stdin })) {
  const { body, given } = JSON.parse(line);
  let told;
  try {
    told = { answer: await new Body("given", "load", body)(given, load) };
  } catch (error) {
    told = { error: error.stack };
  }
  console.log(JSON.stringify(told));
}
