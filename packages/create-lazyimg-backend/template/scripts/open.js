// Opens an image, and reads one plane of it: node scripts/open.js FILE
import "PACKAGE_NAME";
import { openImage } from "@lazyimg/image";

const [path = "sample.example"] = process.argv.slice(2);
const image = await openImage(path);
console.log(
  `${path}: ${image.shape.join(" x ")}, ${image.dtype}, ${image.spacing.join(" x ")} mm, ${image.orientation}`,
);

const middle = Math.floor(image.shape[3] / 2);
const plane = await image.read([0, null, null, middle]);
const { bytes, requests } = image.explain([0, null, null, middle]);
console.log(
  `plane ${middle}: up to ${Math.max(...Array.from(plane.data, Number))}, ${bytes} bytes in ${requests} read`,
);
await image.close();
