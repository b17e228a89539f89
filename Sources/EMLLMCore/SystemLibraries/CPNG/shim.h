// libpng, found through pkg-config ("libpng").
#include <png.h>
