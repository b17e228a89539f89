// libjpeg, found through pkg-config ("libjpeg"). Its header needs the declarations of the other two.
#include <stddef.h>
#include <stdio.h>
#include <jpeglib.h>
