/* Plain audio from one socket to another, without the interpreter.
 *
 * The frames of a call are alike but for digits, audio and a name. A pipe leads from a peer that masks its frames to one
 * for which we must mask ours, as a caller's audio goes, or from one that may not to one for which we may not, as an
 * agent's goes. All pipes of a pump share an epoll instance, which the event loop watches like any file, and calls
 * `pump_turn`: that reads whatever is there, and what is a whole text frame of a known pattern leaves in the same step as
 * a frame of ours.
 *
 * Nothing else is understood here. At the first byte that is anything else (another message, a control frame, part of a
 * frame, the end) the pipe ends, and who is told is given that byte and all that were read after it: who knows
 * WebSocket's rules reads on. What a slow peer has not taken is given back likewise.
 *
 * One thread may use a pump. Nothing here blocks, allocates while audio flows, or keeps more of it than a sketch.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LONGEST = 4096,    /* bytes of a message that has a pattern */
    MOST_DIGITS = 18,   /* of a number: it fits into 64 bits */
    MOST_PATTERNS = 64, /* several times what all streams have at a time; a new one takes the place of the oldest */
    AROUND = 256,      /* bytes on both sides of the audio in what leaves */
    READ = 16 * 1024,  /* bytes of one caller at once, as after a pause */
    SKETCH = 4 * 1024, /* characters: more than a second, and the longest piece */
    READY = 32,        /* sockets at once */
    ROUNDS = 8,        /* of looking for more before other things have their turn */
};

/* RFC 6455, section 5.2: a whole text frame with a length of two bytes, and perhaps a mask. */
enum { WHOLE_TEXT = 0x81, OF_16_BITS = 126, MASKED = 0x80, HEADER = 4, MASK = 4, LEAST_16_BITS = 126 };

/* In a pattern, beside the bytes below 0x80, which mean themselves. */
enum { ITSELF = 0x7F, A_DIGIT, A_BASE64, A_LETTER_OR_DIGIT, KINDS_END };

/* What a notice says: the pipe has ended, and these bytes (none, perhaps) are to be read another way; these are to be
 * written another way; or this is what was heard, a heard_t and the sketch. */
enum { TO_READ = 1, TO_WRITE, HEARD };

/* So many bytes of a kind, one after the other. */
typedef struct {
    uint16_t size, kind;
} run_t;

typedef struct pattern {
    struct pattern *next; /* of the same size */
    uint32_t size, audio, audio_size, number, number_size, run_count;
    const uint8_t *bytes; /* behind the runs */
    run_t runs[];
} pattern_t;

/* Those of callers' messages, or those of agents'. */
typedef struct {
    pattern_t *of_size[LONGEST + 1], *learned[MOST_PATTERNS];
    uint32_t oldest;
} patterns_t;

typedef struct {
    uint32_t pipe, kind, at, size;
} notice_t;

/* Some pieces of audio: how many, when the first began to sound by the one that was least late, when the last one came
 * or, of a pipe that runs ahead, ends to sound, and when another came after a pause, or 0. Every fourth character of them
 * is the sketch. */
typedef struct {
    double frames, earliest, last, resumed;
} heard_t;

/* Of one pipe in one turn: so many notices at most, and so many bytes with them. */
enum { MOST_LEAVES = 2 * READ, MOST_TOLD = 3, MOST_BYTES_TOLD = MOST_LEAVES + READ + sizeof(heard_t) + SKETCH };

/* There is room for whatever all sockets of a turn may bring: who is passed over once would be so for ever, for the system
 * names them in the same order again. Pages that are never used cost nothing. */
typedef struct {
    int watch; /* < 0: it is gone, but for its pipes, which look at it */
    uint32_t pipes, noticed, used;
    notice_t notices[READY * MOST_TOLD];
    uint8_t arena[READY * MOST_BYTES_TOLD];
} pump_t;

/* Between two frames of a call those of hundreds of others pass, and each line of the processor's cache that a frame
 * touches has left it meanwhile. So what it touches stands together, in the first of these lines. */
enum { LINE = 64, HOT_LINES = 3 };

typedef struct {
    alignas(LINE) int from;
    int to; /* < 0: frames are to be written another way, or, of a pipe that is not open, by nobody here */
    uint32_t head_size, audio_size, tail_size, sketched, full, frames;
    uint8_t *sketch; /* with room for a piece beyond `full` */
    double last, earliest, pause_seconds;
    double piece_seconds, passed_at;
    uint64_t passed, least; /* the smallest number that a message may have */
    int masks, runs_ahead, is_open;
    uint32_t number;
    pump_t *pump;
    uint8_t around[AROUND];
} pipe_t;

static patterns_t masked, plain;
static uint8_t is_of[KINDS_END - A_DIGIT][256];

static void know_kinds(void) {
    for (int c = 0; c < 128; c++) {
        const uint8_t digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        is_of[A_DIGIT - A_DIGIT][c] = digit;
        is_of[A_BASE64 - A_DIGIT][c] = digit || letter || c == '+' || c == '/';
        is_of[A_LETTER_OR_DIGIT - A_DIGIT][c] = digit || letter;
    }
}

static patterns_t *patterns_of(const pipe_t *pipe) { return pipe->masks ? &masked : &plain; }

static void forget(patterns_t *patterns, pattern_t *pattern) {
    if (!pattern) return;
    pattern_t **link = &patterns->of_size[pattern->size];
    while (*link != pattern) link = &(*link)->next;
    *link = pattern->next;
    free(pattern);
}

static uint32_t kind_of(uint8_t wanted) { return wanted < A_DIGIT ? ITSELF : wanted; }

/* How many they are; and what they are, where there is room for them. */
static uint32_t runs_of(const uint8_t *bytes, uint32_t size, run_t *runs) {
    uint32_t count = 0;
    for (uint32_t begin = 0, end; begin < size; begin = end, count++) {
        const uint32_t kind = kind_of(bytes[begin]);
        for (end = begin + 1; end < size && kind_of(bytes[end]) == kind; end++) {}
        if (runs) runs[count] = (run_t){(uint16_t)(end - begin), (uint16_t)kind};
    }
    return count;
}

static int is_within(uint32_t at, uint32_t size, uint32_t whole) { return size <= whole && at <= whole - size; }

/* Whether messages like this one are known now to all pipes of its kind. The audio in it stands from `audio` on, and a
 * number without leading zeros, if there is one, from `number` on. */
int pipe_learn(const pipe_t *pipe, const uint8_t *bytes, uint32_t size, uint32_t audio, uint32_t audio_size,
               uint32_t number, uint32_t number_size) {
    if (size > LONGEST || size < LEAST_16_BITS || !is_within(audio, audio_size, size) ||
        !is_within(number, number_size, size) || number_size > MOST_DIGITS)
        return 0;
    for (uint32_t i = 0; i < size; i++)
        if (bytes[i] >= KINDS_END) return 0;
    patterns_t *patterns = patterns_of(pipe);
    for (const pattern_t *known = patterns->of_size[size]; known; known = known->next)
        if (known->audio == audio && known->audio_size == audio_size && known->number == number &&
            known->number_size == number_size && !memcmp(known->bytes, bytes, size))
            return 1;
    const uint32_t run_count = runs_of(bytes, size, NULL);
    pattern_t *pattern = malloc(sizeof *pattern + run_count * sizeof *pattern->runs + size);
    if (!pattern) return 0;
    uint8_t *behind = (uint8_t *)(pattern->runs + run_count);
    pattern_t **place = &patterns->learned[patterns->oldest];
    forget(patterns, *place);
    *pattern = (pattern_t){patterns->of_size[size], size, audio, audio_size, number, number_size, run_count, behind};
    memcpy(behind, bytes, size);
    runs_of(bytes, size, pattern->runs);
    patterns->of_size[size] = *place = pattern;
    patterns->oldest = (patterns->oldest + 1) % MOST_PATTERNS;
    return 1;
}

pump_t *pump_new(void) {
    pump_t *pump = calloc(1, sizeof *pump);
    if (!pump) return NULL;
    know_kinds();
    pump->watch = epoll_create1(EPOLL_CLOEXEC);
    if (pump->watch >= 0) return pump;
    free(pump);
    return NULL;
}

/* Its pipes may still be closed and freed. */
void pump_free(pump_t *pump) {
    close(pump->watch);
    pump->watch = -1;
    if (!pump->pipes) free(pump);
}

int pump_fd(const pump_t *pump) { return pump->watch; }
const notice_t *pump_notices(const pump_t *pump) { return pump->notices; }
const uint8_t *pump_arena(const pump_t *pump) { return pump->arena; }

/* `number` is what notices call it. */
pipe_t *pipe_new(pump_t *pump, uint32_t number, int masks) {
    pipe_t *pipe = aligned_alloc(LINE, sizeof *pipe);
    if (pipe) pump->pipes++, *pipe = (pipe_t){.pump = pump, .number = number, .masks = masks, .to = -1};
    return pipe;
}

/* In the place of one that is freed: it is closed, nothing has passed, and nobody may open it. */
pipe_t *pipe_nil(void) {
    static pipe_t nil = {.to = -1};
    return &nil;
}

/* Told once of what there is, not again until all has been read: half of what epoll costs. */
static int watch(pipe_t *pipe, int how) {
    struct epoll_event readable = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = pipe};
    return !epoll_ctl(pipe->pump->watch, how, pipe->from, &readable);
}

/* 0, or the errno of what went wrong. `last` and all other times are seconds of CLOCK_MONOTONIC. Of `full` characters on
 * the sketch is announced. What runs ahead comes faster than it sounds. Messages whose number is below `least` end it. */
int pipe_open(pipe_t *pipe, int from, int to, const uint8_t *head, uint32_t head_size, const uint8_t *tail,
              uint32_t tail_size, uint32_t audio_size, double piece_seconds, double pause_seconds, double last,
              uint32_t full, int runs_ahead, uint64_t least) {
    if (head_size > AROUND || tail_size > AROUND - head_size || !full || full > SKETCH ||
        audio_size / 4 + 1 > SKETCH - full)
        return EINVAL;
    uint8_t *sketch = realloc(pipe->sketch, full + audio_size / 4 + 1);
    if (!sketch) return ENOMEM;
    pipe->sketch = sketch;
    memcpy(pipe->around, head, head_size);
    memcpy(pipe->around + head_size, tail, tail_size);
    pipe->head_size = head_size, pipe->tail_size = tail_size;
    pipe->from = from, pipe->to = to;
    pipe->audio_size = audio_size, pipe->piece_seconds = piece_seconds, pipe->pause_seconds = pause_seconds;
    pipe->last = last, pipe->earliest = INFINITY, pipe->full = full;
    pipe->runs_ahead = runs_ahead, pipe->least = least;
    pipe->frames = pipe->sketched = 0;
    if (!watch(pipe, EPOLL_CTL_ADD)) return errno;
    pipe->is_open = 1;
    return 0;
}

int pipe_is_open(const pipe_t *pipe) { return pipe->is_open; }

static void end(pipe_t *pipe) {
    if (pipe->is_open) epoll_ctl(pipe->pump->watch, EPOLL_CTL_DEL, pipe->from, NULL);
    pipe->is_open = 0;
}

/* It neither reads nor writes. One that has ended by itself may still be written to. */
void pipe_close(pipe_t *pipe) {
    end(pipe);
    pipe->to = -1;
}

void pipe_free(pipe_t *pipe) {
    pump_t *pump = pipe->pump;
    pipe_close(pipe);
    if (!--pump->pipes && pump->watch < 0) free(pump);
    free(pipe->sketch);
    free(pipe);
}

/* How many frames have passed since this was asked last. */
uint64_t pipe_passed(pipe_t *pipe) {
    uint64_t passed = pipe->passed;
    pipe->passed = 0;
    return passed;
}

/* When the last one did. */
double pipe_passed_at(const pipe_t *pipe) { return pipe->passed_at; }

uint32_t pipe_most_heard(void) { return sizeof(heard_t) + SKETCH; }

/* What was heard since it was told last; the size of it. There is room for pipe_most_heard() bytes. */
uint32_t pipe_heard(pipe_t *pipe, uint8_t *told, double resumed) {
    const heard_t heard = {pipe->frames, pipe->earliest, pipe->last, resumed};
    const uint32_t size = pipe->sketched;
    memcpy(told, &heard, sizeof heard);
    memcpy(told + sizeof heard, pipe->sketch, size);
    pipe->frames = pipe->sketched = 0, pipe->earliest = INFINITY;
    return (uint32_t)sizeof heard + size;
}

/* How many bytes of these the socket has taken to which the pipe leads, between two frames. */
uint32_t pipe_send(const pipe_t *pipe, const uint8_t *bytes, uint32_t size) {
    const ssize_t sent = pipe->to >= 0 ? send(pipe->to, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    return sent > 0 ? (uint32_t)sent : 0;
}

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Masks must not be foreseen (RFC 6455, section 10.3). 0 while the system has none. */
static int next_mask(uint8_t mask[4]) {
    static uint8_t masks[256]; /* no signal interrupts the making of so many */
    static uint32_t left;
    if (!left) {
        if (getrandom(masks, sizeof masks, 0) != sizeof masks) return 0;
        left = sizeof masks;
    }
    left -= 4;
    memcpy(mask, masks + left, 4);
    return 1;
}

static void apply_mask(uint8_t *to, const uint8_t *from, uint32_t size, const uint8_t mask[4]) {
    uint64_t twice, eight;
    memcpy(&twice, mask, 4), memcpy((uint8_t *)&twice + 4, mask, 4);
    uint32_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&eight, from + i, 8);
        eight ^= twice;
        memcpy(to + i, &eight, 8);
    }
    for (; i < size; i++) to[i] = from[i] ^ mask[i & 3];
}

static int is_like(const uint8_t *message, const pattern_t *pattern) {
    const uint8_t *bytes = pattern->bytes;
    for (const run_t *run = pattern->runs; run < pattern->runs + pattern->run_count; run++) {
        if (run->kind == ITSELF) {
            if (memcmp(message, bytes, run->size)) return 0;
        } else {
            const uint8_t *is_kind = is_of[run->kind - A_DIGIT];
            uint8_t all = 1; /* no branch for each byte: most messages are like this to the end */
            for (uint32_t i = 0; i < run->size; i++) all &= is_kind[message[i]];
            if (!all) return 0;
        }
        message += run->size, bytes += run->size;
    }
    return 1;
}

/* Whether its number may be read as one, and is not too small. */
static int may_pass(const pipe_t *pipe, const pattern_t *pattern, const uint8_t *message) {
    const uint8_t *digits = message + pattern->number;
    uint64_t number = 0;
    if (!pattern->number_size) return 1;
    if (pattern->number_size > 1 && *digits == '0') return 0;
    for (uint32_t i = 0; i < pattern->number_size; i++) number = number * 10 + (digits[i] - '0');
    return number >= pipe->least;
}

static const pattern_t *pattern_of(const pipe_t *pipe, const uint8_t *message, uint32_t size) {
    for (const pattern_t *pattern = patterns_of(pipe)->of_size[size]; pattern; pattern = pattern->next)
        if (pattern->audio_size == pipe->audio_size && is_like(message, pattern))
            return may_pass(pipe, pattern, message) ? pattern : NULL;
    return NULL;
}

/* Of what stands at the end of the arena now. */
static void notice(const pipe_t *pipe, uint32_t kind, uint32_t size) {
    pump_t *pump = pipe->pump;
    pump->notices[pump->noticed++] = (notice_t){pipe->number, kind, pump->used, size};
    pump->used += size;
}

static void tell_heard(pipe_t *pipe, double resumed) {
    notice(pipe, HEARD, pipe_heard(pipe, pipe->pump->arena + pipe->pump->used, resumed));
}

static void tell(const pipe_t *pipe, uint32_t kind, const uint8_t *bytes, uint32_t size) {
    memcpy(pipe->pump->arena + pipe->pump->used, bytes, size);
    notice(pipe, kind, size);
}

static uint32_t header_size(const pipe_t *pipe) { return pipe->masks ? HEADER + MASK : HEADER; }

/* Which a frame of a length of two bytes has. */
static uint8_t second_byte(const pipe_t *pipe) { return pipe->masks ? MASKED | OF_16_BITS : OF_16_BITS; }

/* One frame of the audio, at `to`, where there is room for it. Its size; 0 if it cannot be. */
static uint32_t write_frame(const pipe_t *pipe, const uint8_t *audio, uint8_t *to) {
    const uint32_t size = pipe->head_size + pipe->audio_size + pipe->tail_size, header = header_size(pipe);
    uint8_t *mask = to + HEADER, *message = to + header;
    if (size < LEAST_16_BITS || (pipe->masks && !next_mask(mask))) return 0;
    to[0] = WHOLE_TEXT, to[1] = second_byte(pipe), to[2] = (uint8_t)(size >> 8), to[3] = (uint8_t)size;
    memcpy(message, pipe->around, pipe->head_size);
    memcpy(message + pipe->head_size, audio, pipe->audio_size);
    memcpy(message + pipe->head_size + pipe->audio_size, pipe->around + pipe->head_size, pipe->tail_size);
    if (pipe->masks) apply_mask(message, message, size, mask);
    return header + size;
}

static void hear(pipe_t *pipe, const uint8_t *audio, double now) {
    double began = now - ++pipe->frames * pipe->piece_seconds; /* not its beginning, its end sounded when it came */
    if (pipe->runs_ahead) began = pipe->last > now ? pipe->last : now;
    if (began < pipe->earliest) pipe->earliest = began;
    pipe->last = pipe->runs_ahead ? began + pipe->piece_seconds : now;
    uint8_t *sketched = pipe->sketch + pipe->sketched;
    const uint32_t size = pipe->audio_size;
    for (uint32_t i = 0; i < size; i += 4) *sketched++ = audio[i];
    pipe->sketched += (size + 3) / 4;
}

/* For who listens: which samples of a sketch are loud, and how many of each `window`; the last one may be shorter. */
void count_loud(const uint8_t *sketch, uint32_t size, const uint8_t is_loud[256], uint32_t window, uint8_t *marks,
                uint8_t *counts) {
    for (uint32_t begin = 0, end; begin < size; begin = end) {
        uint8_t count = 0;
        end = size - begin < window ? size : begin + window;
        for (uint32_t i = begin; i < end; i++) count += marks[i] = is_loud[sketch[i]];
        *counts++ = count;
    }
}

/* What can be read of one pipe. */
static void carry(pipe_t *pipe, double now, uint32_t events) {
    static uint8_t came[READ], unmasked[LONGEST], leaves[MOST_LEAVES];
    ssize_t got = recv(pipe->from, came, sizeof came, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    const uint32_t size_read = got > 0 ? (uint32_t)got : 0, header = header_size(pipe);
    const uint32_t most = header + pipe->head_size + pipe->audio_size + pipe->tail_size;
    uint32_t at = 0, out = 0;
    int told = 0;
    while (size_read - at > header && came[at] == WHOLE_TEXT && came[at + 1] == second_byte(pipe)) {
        const uint32_t size = (uint32_t)came[at + 2] << 8 | came[at + 3];
        if (size > LONGEST || !patterns_of(pipe)->of_size[size] || size_read - at - header < size) break;
        const uint8_t *message = came + at + header;
        if (pipe->masks) apply_mask(unmasked, message, size, came + at + HEADER), message = unmasked;
        const pattern_t *pattern = pattern_of(pipe, message, size);
        /* Who listens must know of a pause: either somebody catches up, or audio is missing. */
        const int resumes = now - pipe->last > pipe->pause_seconds, is_due = resumes || pipe->sketched >= pipe->full;
        if (!pattern || most > MOST_LEAVES - out || (is_due && told)) break;
        const uint32_t written = write_frame(pipe, message + pattern->audio, leaves + out);
        if (!written) break;
        if (is_due) tell_heard(pipe, resumes ? now : 0), told = 1;
        out += written;
        at += header + size;
        hear(pipe, message + pattern->audio, now);
        pipe->passed++, pipe->passed_at = now;
    }
    if (out) {
        ssize_t sent = pipe->to < 0 ? 0 : send(pipe->to, leaves, out, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) sent = 0;
        if ((uint32_t)sent < out) {
            if (pipe->to >= 0) pipe_close(pipe);
            tell(pipe, TO_WRITE, leaves + sent, out - (uint32_t)sent);
        }
    }
    if (at < size_read || !size_read || !pipe->is_open) {
        end(pipe);
        tell(pipe, TO_READ, came + at, size_read - at);
        return;
    }
    if (pipe->sketched >= pipe->full && !told) tell_heard(pipe, 0);
    /* Less than there was room for is all there was, but for an end: of the rest we are to be told again. */
    if (got == sizeof came || events != EPOLLIN) watch(pipe, EPOLL_CTL_MOD);
}

/* What a frame will touch of each is on its way from memory while those before it are carried. */
static void fetch(const struct epoll_event *ready, int count) {
    for (int i = 0; i < count; i++)
        for (int line = 0; line < HOT_LINES; line++) __builtin_prefetch((uint8_t *)ready[i].data.ptr + line * LINE, 1);
    for (int i = 0; i < count; i++) {
        const pipe_t *pipe = ready[i].data.ptr;
        __builtin_prefetch(pipe->sketch + pipe->sketched, 1);
    }
}

/* Carry what is there. If that gave any notices, say how many; they and what they name are valid until the next turn. */
void pump_turn(pump_t *pump, void (*told)(int)) {
    struct epoll_event ready[READY];
    pump->noticed = pump->used = 0;
    for (int round = 0; round < ROUNDS && !pump->noticed; round++) {
        const int count = epoll_wait(pump->watch, ready, READY, 0);
        if (count <= 0) break;
        const double now = now_seconds();
        fetch(ready, count);
        for (int i = 0; i < count; i++) carry(ready[i].data.ptr, now, ready[i].events);
    }
    if (pump->noticed) told((int)pump->noticed); /* and nothing after it: the pump may be gone */
}
