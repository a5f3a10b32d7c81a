/**
 * Reads images over HTTP as it is told, one line of JSON for each, and ends by itself: node read-over-network.mjs PLAN,
 * where PLAN is JSON: `{ control, index, readings: [{ url, after?, options }] }`. Before each reading `control` is told its
 * number, and again with `after` between opening and reading. Images are left open.
 */
import { createHash } from "node:crypto";
import { bytesOf } from "@lazyimg/core";
import { openImage } from "./every-format.mjs";

const { control, index, readings } = JSON.parse(process.argv[2]);
const tell = async (what) => {
  const response = await fetch(`${control}${what}`, { headers: { connection: "close" } });
  await response.text();
};
const images = [];

for (const [n, { url, options }] of readings.entries()) {
  await tell(`open/${n}`);
  let outcome;
  let message;
  try {
    const image = await openImage(url, { readerOptions: options });
    images.push(image);
    await tell(`read/${n}`);
    const tensor = await image.read(index);
    outcome = createHash("sha256")
      .update(bytesOf(tensor.copy("C").data))
      .digest("hex");
  } catch (error) {
    outcome = error.code ?? error.name;
    message = error.message;
  }
  console.log(JSON.stringify({ outcome, message }));
}
