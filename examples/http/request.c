/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <string.h>
#include <strings.h>

/* A part of the head. */
struct text {
    const char *at;
    size_t size;
};

/* What the fields have said so far. */
struct fields {
    bool has_host, has_length, has_coding, has_range, closes, keeps;
    uint64_t length;
    struct http_range range;
};

/* The head ends at an empty line; a line ends at "\n", before which a "\r" does not count (RFC 9112, 2.2). */
size_t http_head_size(const char *bytes, size_t n)
{
    const char *line = bytes, *end = bytes + n, *newline;
    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        size_t size = (size_t)(newline - line);
        if (line != bytes && (size == 0 || (size == 1 && line[0] == '\r')))
            return (size_t)(newline + 1 - bytes);
        line = newline + 1;
    }
    return 0;
}

/* Takes the next line off the head, without its end. */
static struct text line_take(struct text *head)
{
    const char *newline = memchr(head->at, '\n', head->size);
    struct text line = {head->at, newline != NULL ? (size_t)(newline - head->at) : head->size};
    size_t taken = newline != NULL ? line.size + 1 : line.size;
    head->at += taken;
    head->size -= taken;
    if (line.size > 0 && line.at[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* Takes what is before the separator off the text, and the separator; all of it if there is none. */
static struct text part_take(struct text *text, char separator)
{
    const char *found = text->size > 0 ? memchr(text->at, separator, text->size) : NULL;
    struct text part = {text->at, found != NULL ? (size_t)(found - text->at) : text->size};
    size_t taken = found != NULL ? part.size + 1 : part.size;
    text->at += taken;
    text->size -= taken;
    return part;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
    for (; text.size > 0 && is_blank(text.at[0]); text.at++)
        text.size--;
    while (text.size > 0 && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool equals(struct text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

static bool equals_any_case(struct text text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

/* A token of RFC 9110, 5.6.2. */
static bool is_token(struct text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!(text.at[i] > ' ' && text.at[i] < 127) || strchr("\"(),/:;<=>?@[\\]{}", text.at[i]) != NULL)
            return false;
    return text.size > 0;
}

/* What a line may have beside the characters that it is made of: none of the control characters. */
static bool is_clean(struct text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 127)
            return false;
    return true;
}

/* --- the first line ----------------------------------------------------------------------------------------------- */

static int read_method(struct http_request *request, struct text method)
{
    static const char *const not_allowed[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};
    if (!is_token(method))
        return 400;
    for (size_t i = 0; i < sizeof not_allowed / sizeof not_allowed[0]; i++)
        if (equals(method, not_allowed[i]))
            return 405;
    request->is_head = equals(method, "HEAD");
    return request->is_head || equals(method, "GET") ? 0 : 501;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "http://host/path" means "/path" here (RFC 9112, 3.2.2), and "http://host?query" means "/?query". */
static bool skip_authority(struct text *target)
{
    if (target->size < 7 || strncasecmp(target->at, "http://", 7) != 0)
        return target->size > 0 && target->at[0] == '/';
    size_t n_skipped = 7;
    while (n_skipped < target->size && strchr("/?#", target->at[n_skipped]) == NULL)
        n_skipped++;
    target->at += n_skipped;
    target->size -= n_skipped;
    return true;
}

int http_path_read(char *path, const char *target, size_t size)
{
    struct text rest = {target, size};
    struct text text = part_take(&rest, '?');
    for (; text.size > 0 && text.at[0] == '/'; text.at++)
        text.size--;
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        int c = (unsigned char)text.at[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.at[i + 2]) : -1;
            c = high < 0 || low < 0 ? 0 : high << 4 | low;
            i += 2;
        }
        if (c == 0 || c == '#')
            return 400;
        if (n == HTTP_PATH_MAX)
            return 414;
        path[n++] = (char)c;
    }
    path[n] = '\0';
    return 0;
}

static int read_target(struct http_request *request, struct text target)
{
    return skip_authority(&target) ? http_path_read(request->path, target.at, target.size) : 400;
}

static int read_version(struct http_request *request, struct text version)
{
    if (version.size != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' || version.at[5] < '0' ||
        version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
        return 400;
    request->keeps = version.at[7] > '0';
    return version.at[5] == '1' ? 0 : 505;
}

static int read_first_line(struct http_request *request, struct text line)
{
    struct text method = part_take(&line, ' '), target = part_take(&line, ' ');
    int status = is_clean(method) && is_clean(target) ? read_version(request, line) : 400;
    if (status == 0)
        status = read_method(request, method);
    return status != 0 ? status : read_target(request, target);
}

/* --- the fields --------------------------------------------------------------------------------------------------- */

static bool read_length(struct fields *fields, struct text value)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9' || length > UINT64_MAX / 10 - 1)
            return false;
        length = 10 * length + (uint64_t)(value.at[i] - '0');
    }
    bool is_same = !fields->has_length || fields->length == length;
    fields->has_length = true;
    fields->length = length;
    return value.size > 0 && is_same;
}

static void read_connection(struct fields *fields, struct text value)
{
    while (value.size > 0) {
        struct text option = trim(part_take(&value, ','));
        fields->closes |= equals_any_case(option, "close");
        fields->keeps |= equals_any_case(option, "keep-alive");
    }
}

/* A line that begins with a blank continued the one before it, long ago: it is refused (RFC 9112, 5.2). */
static int read_field(struct fields *fields, struct text line)
{
    const bool has_colon = memchr(line.at, ':', line.size) != NULL;
    struct text name = part_take(&line, ':'), value = trim(line);
    if (!has_colon || !is_token(name) || !is_clean(value))
        return 400;
    if (equals_any_case(name, "host")) {
        if (fields->has_host)
            return 400;
        fields->has_host = true;
    } else if (equals_any_case(name, "content-length")) {
        return read_length(fields, value) ? 0 : 400;
    } else if (equals_any_case(name, "transfer-encoding")) {
        fields->has_coding = true;
    } else if (equals_any_case(name, "connection")) {
        read_connection(fields, value);
    } else if (equals_any_case(name, "range")) {
        http_range_read(&fields->range, value.at, fields->has_range ? 0 : value.size); /* two are several ranges */
        fields->has_range = true;
    } else if (equals_any_case(name, "if-range")) {
        http_range_read_condition(&fields->range, value.at, value.size);
    } else if (equals_any_case(name, "expect")) {
        fields->closes = true; /* the client may wait before it sends the content, and not send it */
    }
    return 0;
}

int http_request_read(struct http_request *request, const char *head, size_t size)
{
    struct text rest = {head, size};
    struct fields fields = {0};
    int status = read_first_line(request, line_take(&rest));
    for (int n_fields = 0; status == 0; n_fields++) {
        struct text line = line_take(&rest);
        if (line.size == 0)
            break;
        status = n_fields < HTTP_FIELDS_MAX ? read_field(&fields, line) : 431;
    }
    if (status != 0)
        return status;
    const bool needs_host = request->keeps; /* HTTP/1.1 */
    if ((needs_host && !fields.has_host) || (fields.has_coding && fields.has_length))
        return 400;
    if (fields.has_coding)
        return 501;
    if (fields.length > HTTP_BODY_MAX)
        return 413;
    request->n_body = (uint32_t)fields.length;
    fields.range.is_asked_for &= !request->is_head;
    request->range = fields.range;
    request->keeps = (request->keeps || fields.keeps) && !fields.closes;
    return 0;
}
