// Opens the image that is given and prints its shape.
import { nifti } from "@lazyimg/backend-nifti/backend";
import { openImage } from "@lazyimg/image";

const image = await openImage(process.argv[2], { backends: [nifti] });
console.log(image.shape.join(" "));
