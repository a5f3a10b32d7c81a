import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { goldenSuite } from "../../../tests/support/formats.js";

goldenSuite(metaimage, "metaimage", 30);
