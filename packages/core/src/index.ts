export {
  type Affine,
  affinesEqual,
  createAffine,
  IDENTITY,
  invertAffine,
  multiplyAffines,
  spacingOf,
  type Vector3,
} from "./affine.js";
export { mapAxes } from "./axes.js";
export {
  type AffineSource,
  type ImageDataBackend,
  isImageDataBackend,
  type LevelInfo,
  type ReadOptions,
  type ReadPlan,
} from "./backend.js";
export { type ByteRange, type ByteReadOptions, type ByteSource, isByteSource } from "./byte-source.js";
export { convert, type Scaling, scaledDType } from "./convert.js";
export { type StridedView, stridedCopy } from "./copy.js";
export { type BackendDriver, defineBackend, outTensor, type ReadContext } from "./define-backend.js";
export { allocate, bytesOf, type DataOf, DTYPES, type DType, isDType, type ScalarOf } from "./dtype.js";
export { type ErrorCode, isLazyImageError, LazyImageError } from "./errors.js";
export {
  type AxisRange,
  type Index,
  type IndexItem,
  normalizeIndex,
  type Range4D,
  resolveIndex,
  type Slice,
  shapeOf,
  slice,
} from "./indexing.js";
export {
  type BackendDescriptor,
  type BackendFactory,
  type BackendMatcher,
  listBackends,
  registerBackend,
  registerWriter,
  resolveBackend,
  resolveWriter,
  unregisterBackend,
  type WriteFunction,
  type WriterMatcher,
} from "./registry.js";
export {
  type BackendRequest,
  createRequest,
  describeRequest,
  hasExtension,
  type ImageSource,
  isLazyReader,
  type LazyReader,
  type RequestJSON,
  type RequestOptions,
  requestName,
  type SimpleReader,
} from "./request.js";
export {
  isTensor,
  type MemoryOrder,
  type Shape4D,
  type Strides4D,
  sizeOf,
  stridesOf,
  Tensor,
} from "./tensor.js";
export { isZarrStore, type ZarrStore } from "./zarr-store.js";
