#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ic_set_message(char *target, const char *message) {
    snprintf(target, IC_MESSAGE_BYTES, "%s", message ? message : "");
}

void ic_note_warning(ic_report *report, const char *message) {
    if (report->warnings == 0) ic_set_message(report->warning, message);
    if (report->warnings < UINT32_MAX) report->warnings++;
}

void ic_keep_exif(ic_report *report, const uint8_t *bytes, size_t length) {
    if (report->exif || length == 0) return;
    report->exif = malloc(length);
    if (!report->exif) return;
    memcpy(report->exif, bytes, length);
    report->exif_length = length;
}

void ic_release(ic_report *report) {
    free(report->exif);
    report->exif = NULL;
    report->exif_length = 0;
}
