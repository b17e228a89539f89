// libpng and libjpeg behind functions that return.
//
// Both libraries report errors by a longjmp. Here every jump starts and ends inside one C function, so that no frame of
// Swift's is ever jumped over. Nothing is printed, nothing in a file is trusted, and no memory is taken for pixels: the
// caller reads the header, decides whether the picture is acceptable, and brings the memory.
#ifndef EMLLM_IMAGE_CODECS_H
#define EMLLM_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    IC_OK = 0,
    IC_BAD_HEADER = 1, // nothing can be decoded
    IC_LOST_DATA = 2,  // truncated or corrupt; the pixels hold what could be decoded, and zeros
    IC_NO_MEMORY = 3,
} ic_status;

// What the pixels of a picture are.
typedef enum {
    IC_RGB = 0,           // [height, width, 3]
    IC_RGBA = 1,          // [height, width, 4], alpha not premultiplied
    IC_INVERTED_CMYK = 2, // [height, width, 4], 255 is no ink, as Adobe stores it
} ic_pixels;

typedef struct {
    uint32_t width;
    uint32_t height;
    ic_pixels pixels;
} ic_header;

enum { IC_MESSAGE_BYTES = 200 };

typedef struct {
    char error[IC_MESSAGE_BYTES];   // why the status is not IC_OK
    char warning[IC_MESSAGE_BYTES]; // the first warning; empty when there is none
    uint32_t warnings;              // how many there were
    size_t trailing_bytes;          // bytes after the end of the picture
    uint8_t *exif;                  // a TIFF block, or NULL; released by ic_release
    size_t exif_length;
} ic_report;

// Reads the header alone.
ic_status ic_png_header(const uint8_t *bytes, size_t length, ic_header *header, ic_report *report);
ic_status ic_jpeg_header(const uint8_t *bytes, size_t length, ic_header *header, ic_report *report);

// Decodes into `pixels`, which has the size that the header says and is filled with zeros.
ic_status ic_png_decode(const uint8_t *bytes, size_t length, uint8_t *pixels, size_t capacity, ic_report *report);
ic_status ic_jpeg_decode(const uint8_t *bytes, size_t length, uint8_t *pixels, size_t capacity, ic_report *report);

// Releases what a report owns; also after an error.
void ic_release(ic_report *report);

#endif
