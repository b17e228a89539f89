// Helpers that both decoders share.
#ifndef EMLLM_IMAGE_CODECS_REPORT_H
#define EMLLM_IMAGE_CODECS_REPORT_H

#include "image_codecs.h"

// Copies as much of a message as fits.
void ic_set_message(char *target, const char *message);
// Notes a warning; the first one's text is kept.
void ic_note_warning(ic_report *report, const char *message);
// Copies a TIFF block; silently does without it when there is no memory.
void ic_keep_exif(ic_report *report, const uint8_t *bytes, size_t length);

#endif
