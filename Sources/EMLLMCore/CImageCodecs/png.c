#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

// Everything that outlives a longjmp. It belongs to the caller of the function with the setjmp, since a jump may leave
// that function's own variables indeterminate.
typedef struct {
    jmp_buf jump;
    ic_report *report;
    const uint8_t *bytes;
    size_t length;
    size_t position;
    ic_status status;
    int is_truncated;
    int has_all_rows;
    png_structp png;
    png_infop info;
    png_bytep *rows;
} png_state;

static void on_error(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    ic_set_message(state->report->error, message);
    longjmp(state->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    ic_note_warning(state->report, message);
}

static void on_read(png_structp png, png_bytep target, size_t count) {
    png_state *state = png_get_io_ptr(png);
    if (count > state->length - state->position) {
        state->is_truncated = 1;
        png_error(png, "the file ends early");
    }
    memcpy(target, state->bytes + state->position, count);
    state->position += count;
}

// Reads up to the first image data. Jumps on errors.
static void read_info(png_state *state) {
    // The caller checks the size; these limits are the format's own.
    png_set_user_limits(state->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // A text or profile chunk that unpacks to more than this is a bomb; one that is skipped is no loss.
    png_set_chunk_malloc_max(state->png, 8u << 20);
    png_set_chunk_cache_max(state->png, 256);
    // The library reads its compressed data in pieces of this size, and a piece that is cut short is lost as a whole.
    png_set_compression_buffer_size(state->png, 256);
    png_set_read_fn(state->png, state, on_read);
    png_read_info(state->png, state->info);
}

static void keep_exif(png_state *state) {
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 length = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(state->png, state->info, &length, &exif) && exif) ic_keep_exif(state->report, exif, length);
#else
    (void)state;
#endif
}

// Everything becomes 8-bit RGBA: palettes and low bit depths are expanded, 16 bits keep their high byte, a transparent
// colour becomes alpha. Gamma and profiles are left alone.
static void set_transformations(png_state *state) {
    png_structp png = state->png;
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
    (void)png_set_interlace_handling(png);
    png_read_update_info(png, state->info);
}

// Prepares the library. Jumps on errors.
static void start(png_state *state) {
    state->status = IC_NO_MEMORY;
    state->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, state, on_error, on_warning);
    if (state->png) state->info = png_create_info_struct(state->png);
    if (!state->info) {
        ic_set_message(state->report->error, "libpng has no memory");
        longjmp(state->jump, 1);
    }
    state->status = IC_BAD_HEADER;
}

static void finish(png_state *state) {
    free(state->rows);
    if (state->png) png_destroy_read_struct(&state->png, &state->info, NULL);
}

static void read_header(png_state *state, ic_header *header) {
    if (setjmp(state->jump) != 0) return;
    start(state);
    read_info(state);
    header->width = png_get_image_width(state->png, state->info);
    header->height = png_get_image_height(state->png, state->info);
    header->pixels = IC_RGBA;
    state->status = IC_OK;
}

static void read_pixels(png_state *state, uint8_t *pixels, size_t capacity) {
    if (setjmp(state->jump) != 0) return;
    start(state);
    read_info(state);
    set_transformations(state);
    const size_t width = png_get_image_width(state->png, state->info);
    const size_t height = png_get_image_height(state->png, state->info);
    if (png_get_rowbytes(state->png, state->info) != width * 4 || capacity / 4 / width < height)
        png_error(state->png, "the header changed while it was read");
    keep_exif(state);
    state->rows = malloc(height * sizeof *state->rows);
    if (!state->rows) {
        state->status = IC_NO_MEMORY;
        png_error(state->png, "no memory for the rows' addresses");
    }
    for (size_t row = 0; row < height; row++) state->rows[row] = pixels + row * width * 4;
    state->status = IC_LOST_DATA;
    png_read_image(state->png, state->rows);
    state->has_all_rows = 1;
    png_read_end(state->png, state->info);
    keep_exif(state);
    state->report->trailing_bytes = state->length - state->position;
    state->status = IC_OK;
}

ic_status ic_png_header(const uint8_t *bytes, size_t length, ic_header *header, ic_report *report) {
    memset(report, 0, sizeof *report);
    png_state state = {.report = report, .bytes = bytes, .length = length};
    read_header(&state, header);
    finish(&state);
    return state.status;
}

ic_status ic_png_decode(const uint8_t *bytes, size_t length, uint8_t *pixels, size_t capacity, ic_report *report) {
    memset(report, 0, sizeof *report);
    png_state state = {.report = report, .bytes = bytes, .length = length};
    read_pixels(&state, pixels, capacity);
    finish(&state);
    // All pixels are there: a missing end of the file is worth a word, and no more.
    if (state.status == IC_LOST_DATA && state.has_all_rows && state.is_truncated) {
        ic_note_warning(report, report->error);
        return IC_OK;
    }
    return state.status;
}
