import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { goldenSuite } from "../../../tests/support/formats.js";

goldenSuite(nrrd, "nrrd", 50);
