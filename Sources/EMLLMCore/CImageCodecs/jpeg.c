#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "report.h"

// More scans than any encoder writes: a small progressive file can ask for thousands of passes over a large picture.
enum { MOST_SCANS = 64 };

// The library's structure comes first, so that a pointer to it is a pointer to the whole.
typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf jump;
    ic_report *report;
    int has_lost_data;
} error_manager;

// Everything that outlives a longjmp. It belongs to the caller of the function with the setjmp, since a jump may leave
// that function's own variables indeterminate.
typedef struct {
    struct jpeg_decompress_struct jpeg;
    error_manager errors;
    struct jpeg_progress_mgr progress;
    ic_status status;
    int has_header; // EXIF behind the first scan is nobody's
} jpeg_state;

static void on_error(j_common_ptr jpeg) {
    error_manager *errors = (error_manager *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    errors->base.format_message(jpeg, message);
    ic_set_message(errors->report->error, message);
    longjmp(errors->jump, 1);
}

// Whether a warning means that some pixels are not what was stored.
static int loses_data(int code) {
    switch (code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
#if defined(D_ARITH_CODING_SUPPORTED) || JPEG_LIB_VERSION >= 70
    case JWRN_ARITH_BAD_CODE: // libraries built without arithmetic coding do not declare it
#endif
    case JWRN_MUST_RESYNC:
        return 1;
    default:
        return 0;
    }
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level >= 0) return; // what the library traces
    error_manager *errors = (error_manager *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    errors->base.format_message(jpeg, message);
    errors->base.num_warnings++;
    if (loses_data(errors->base.msg_code) && !errors->has_lost_data) {
        errors->has_lost_data = 1;
        ic_set_message(errors->report->error, message);
    }
    ic_note_warning(errors->report, message);
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    if (jpeg->input_scan_number <= MOST_SCANS) return;
    error_manager *errors = (error_manager *)common->err;
    ic_set_message(errors->report->error, "more progressive scans than any encoder writes");
    longjmp(errors->jump, 1);
}

// One byte of the file. At its end the library's source makes up an end marker, and warns.
static unsigned next_byte(j_decompress_ptr jpeg) {
    struct jpeg_source_mgr *source = jpeg->src;
    if (source->bytes_in_buffer == 0) (void)source->fill_input_buffer(jpeg);
    source->bytes_in_buffer--;
    return *source->next_input_byte++;
}

// Reads an APP1 marker and keeps the first that is EXIF. The library's own list of saved markers is walked to its end for
// each that is added, which takes minutes for a small file of many.
static boolean read_app1(j_decompress_ptr jpeg) {
    static const char signature[6] = "Exif\0";
    jpeg_state *state = (jpeg_state *)jpeg;
    const unsigned high = next_byte(jpeg);
    const unsigned length = high << 8 | next_byte(jpeg);
    if (length < 2) ERREXIT(jpeg, JERR_BAD_LENGTH);
    const size_t count = length - 2;
    const uint8_t *data = jpeg->src->next_input_byte;
    if (!state->has_header && count > sizeof signature && count <= jpeg->src->bytes_in_buffer &&
        memcmp(data, signature, sizeof signature) == 0)
        ic_keep_exif(state->errors.report, data + sizeof signature, count - sizeof signature);
    if (count > 0) jpeg->src->skip_input_data(jpeg, (long)count);
    return TRUE;
}

// Reads the header and chooses what the pixels are. Jumps on errors.
static void start(jpeg_state *state, const uint8_t *bytes, size_t length) {
    j_decompress_ptr jpeg = &state->jpeg;
    jpeg_create_decompress(jpeg);
    state->progress.progress_monitor = on_progress;
    jpeg->progress = &state->progress;
    jpeg_set_marker_processor(jpeg, JPEG_APP0 + 1, read_app1);
    // The library does not write to its source; older versions of its header lack the const.
    jpeg_mem_src(jpeg, (unsigned char *)(uintptr_t)bytes, (unsigned long)length);
    (void)jpeg_read_header(jpeg, TRUE);
    state->has_header = 1;
    const int has_ink = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = has_ink ? JCS_CMYK : JCS_RGB;
}

static void prepare(jpeg_state *state, ic_report *report) {
    memset(report, 0, sizeof *report);
    memset(state, 0, sizeof *state);
    state->jpeg.err = jpeg_std_error(&state->errors.base);
    state->errors.base.error_exit = on_error;
    state->errors.base.emit_message = on_message;
    state->errors.base.output_message = print_nothing;
    state->errors.report = report;
    state->status = IC_BAD_HEADER;
}

static void read_header(jpeg_state *state, const uint8_t *bytes, size_t length, ic_header *header) {
    if (setjmp(state->errors.jump) != 0) return;
    start(state, bytes, length);
    header->width = state->jpeg.image_width;
    header->height = state->jpeg.image_height;
    header->pixels = state->jpeg.out_color_space == JCS_CMYK ? IC_INVERTED_CMYK : IC_RGB;
    state->status = IC_OK;
}

static void read_pixels(
    jpeg_state *state, const uint8_t *bytes, size_t length, uint8_t *pixels, size_t capacity, ic_report *report
) {
    if (setjmp(state->errors.jump) != 0) return;
    j_decompress_ptr jpeg = &state->jpeg;
    start(state, bytes, length);
    (void)jpeg_start_decompress(jpeg);
    const size_t stride = (size_t)jpeg->output_width * (size_t)jpeg->output_components;
    if (capacity / stride < jpeg->output_height) ERREXIT1(jpeg, JERR_IMAGE_TOO_BIG, JPEG_MAX_DIMENSION);
    state->status = IC_LOST_DATA;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = pixels + jpeg->output_scanline * stride;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    report->trailing_bytes = jpeg->src->bytes_in_buffer;
    state->status = state->errors.has_lost_data ? IC_LOST_DATA : IC_OK;
}

ic_status ic_jpeg_header(const uint8_t *bytes, size_t length, ic_header *header, ic_report *report) {
    jpeg_state state;
    prepare(&state, report);
    read_header(&state, bytes, length, header);
    jpeg_destroy_decompress(&state.jpeg);
    return state.status;
}

ic_status ic_jpeg_decode(const uint8_t *bytes, size_t length, uint8_t *pixels, size_t capacity, ic_report *report) {
    jpeg_state state;
    prepare(&state, report);
    read_pixels(&state, bytes, length, pixels, capacity, report);
    jpeg_destroy_decompress(&state.jpeg);
    return state.status;
}
