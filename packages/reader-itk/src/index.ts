import { registerBackend } from "@lazyimg/core";
import { itk } from "./backend.js";

registerBackend(itk.name, itk.matches, itk.open, { prepend: false });

export { type ItkHeader, itk, itkPipelines, openItk } from "./backend.js";
