export { type Ending, Keyring, type SourceOf } from "./keyring.js";
export { isSame, type Keys, keysOf, objectsBy, type Place } from "./objects.js";
export { partsOf, sendParts } from "./parts.js";
export {
  isForbidden,
  type PutOptions,
  type Refusal,
  type RemoteOptions,
  type RemoteWriter,
  refusalBehind,
  remoteWriter,
  type UploadOptions,
} from "./remote-writer.js";
export { type Sender, type SenderOptions, type Sending, type Sent, senderOf } from "./send.js";
export { type Signature, signing } from "./signing.js";
export { sectionOf, textOf, unescaped } from "./texts.js";
