#!/usr/bin/env node
// CommonJS and one file: the loader of ES modules alone takes as long as opening an image.
require("../dist/bin/lazyimg.cjs").main(process.argv.slice(2));
