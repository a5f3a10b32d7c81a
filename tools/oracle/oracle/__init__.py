"""Golden vectors for lazyimg, made by nibabel and numpy."""
