import { mgh } from "@lazyimg/backend-mgh/backend";
import { goldenSuite } from "../../../tests/support/formats.js";

goldenSuite(mgh, "mgh", 9);
