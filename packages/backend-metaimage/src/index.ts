import { registerBackend } from "@lazyimg/core";
import { metaimage } from "./backend.js";

registerBackend(metaimage.name, metaimage.matches, metaimage.open, { prepend: false });

export { metaimage, openMetaImage } from "./backend.js";
export type { MetaImageHeader } from "./header.js";
