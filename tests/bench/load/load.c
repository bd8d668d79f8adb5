/* The load: one epoll thread that opens WebSocket connections, sends masked text frames and checks every reply.
 *
 *     load --port N --path /ws/greeting --cookie name=value --mode messages|group|handshakes|idle [...]
 *
 * It is written in C so that it is never the slower side. It talks with its caller in lines: it prints `ready`
 * when all connections are open and warm, waits for a line, does its work, prints one line of JSON, waits for
 * another line (or the end of stdin), closes its connections and ends. So the caller reads the server's clock
 * exactly around the work, without the opening and the closing.
 *
 * What is checked: each text frame must equal, header and all, the frame made from the expected reply of that
 * place in the order; the order of sending is the order of replies. The caller has read those expected replies as
 * JSON before; here only bytes are compared. `wrong` counts the replies that differ, `lost` the connections that
 * ended early; the first of each is told on stderr.
 *
 * In the mode `group` the first connection alone sends, and every connection must get each reply: the next message
 * leaves when all have the one before (with --flight, when no more than that many are on their way). With
 * --numbered 1 a reply has more keys behind the expected ones, and the frame of kept events is passed over.
 *
 * Exit: 0 done, 1 a connection was refused or a system call failed, 2 wrong usage, 4 the time limit was reached.
 */
#define _GNU_SOURCE
#include "options.h"
#include "rotation.h" /* after options.h, whose words it uses */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define BUCKETS 1000000 /* of one microsecond: latencies up to a second, the last bucket takes the rest */
#define EVENTS 256
#define HEAD_LIMIT 16384

enum state { UNUSED, CONNECTING, UPGRADING, OPEN, CLOSING };

struct line { /* one connection */
    int fd;
    enum state state;
    bool wants_out;
    bool close_seen;
    unsigned next_send;    /* place in the order */
    unsigned next_reply;   /* the same, of the reply that must come next */
    unsigned in_flight;
    uint64_t *sent_at;     /* a ring of `flight` times */
    unsigned first;        /* the oldest in the ring */
    uint8_t *in;
    size_t in_length;
    uint8_t *out;
    size_t out_length, out_sent;
};

static struct line *lines;
static int poller, opened, opening, next_source;
static bool sending, stdin_ready;
static uint64_t sent, replied, wrong, lost, in_flight, started, shakes, shakes_wanted, shakes_begun;
static uint32_t histogram[BUCKETS];
static char upgrade_request[8192];
static size_t upgrade_length;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- connections ---- */

static void watch(struct line *line, uint32_t events, int act) {
    struct epoll_event event = {.events = events, .data.ptr = line};
    if (epoll_ctl(poller, act, line->fd, &event)) fail("epoll_ctl: %s", strerror(errno));
}

static void begin(struct line *line) {
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (line->fd < 0) fail("socket: %s", strerror(errno));
    int yes = 1;
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (opt.sources > 1) { /* one address has some 28,000 ports; those of closed connections rest for a minute */
        struct sockaddr_in source = {.sin_family = AF_INET};
        source.sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)(next_source++ % opt.sources));
        setsockopt(line->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        if (bind(line->fd, (struct sockaddr *)&source, sizeof source)) fail("bind: %s", strerror(errno));
    }
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(line->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    line->state = CONNECTING;
    line->in_length = line->out_length = line->out_sent = 0;
    line->in_flight = line->first = 0;
    line->close_seen = line->wants_out = false;
    opening++;
    watch(line, EPOLLOUT, EPOLL_CTL_ADD);
}

static void end(struct line *line) {
    if (line->state == OPEN || line->state == CLOSING) opened--;
    if (line->state == CONNECTING || line->state == UPGRADING) opening--;
    in_flight -= line->in_flight;
    line->in_flight = 0;
    line->state = UNUSED;
    close(line->fd);
}

static void lose(struct line *line, const char *why) {
    if (!lost++) fprintf(stderr, "load: a connection ended early: %s\n", why);
    end(line);
}

static void flush_out(struct line *line) {
    while (line->out_sent < line->out_length) {
        ssize_t done = write(line->fd, line->out + line->out_sent, line->out_length - line->out_sent);
        if (done < 0) {
            if (errno != EAGAIN) return lose(line, strerror(errno));
            break;
        }
        line->out_sent += (size_t)done;
    }
    bool more = line->out_sent < line->out_length;
    if (!more) line->out_length = line->out_sent = 0;
    if (more != line->wants_out) watch(line, EPOLLIN | (more ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
    line->wants_out = more;
}

static void put(struct line *line, const uint8_t *start, size_t length) {
    if (line->out_length + length > out_size && line->out_sent) { /* what is sent already makes room */
        memmove(line->out, line->out + line->out_sent, line->out_length - line->out_sent);
        line->out_length -= line->out_sent;
        line->out_sent = 0;
    }
    if (line->out_length + length > out_size) fail("the server does not read; our outbox is full");
    memcpy(line->out + line->out_length, start, length);
    line->out_length += length;
}

/* In the mode `group`: what one sends, all must get. */
static void send_to_group(uint64_t now) {
    struct line *sender = &lines[0];
    uint64_t members = (uint64_t)opt.connections, most = (uint64_t)(opt.flight - 1) * members;
    while (sending && in_flight <= most && sender->in_flight < (unsigned)opt.flight) {
        if (lost || (opt.count && sent >= opt.count)) {
            sending = false;
            break;
        }
        struct bytes *request = &turns[order[sender->next_send]].request;
        put(sender, request->start, request->length);
        sender->next_send = (sender->next_send + 1) % order_length;
        for (int i = 0; i < opt.connections; i++) {
            struct line *line = &lines[i];
            line->sent_at[(line->first + line->in_flight++) % (unsigned)opt.flight] = now;
        }
        in_flight += members;
        sent++;
    }
    if (sender->state == OPEN) flush_out(sender);
}

static void send_turns(struct line *line, uint64_t now) {
    if (opt.mode == GROUP) return; /* led by exchange */
    while (sending && line->in_flight < (unsigned)opt.flight) {
        if (opt.count && sent >= opt.count) {
            sending = false;
            break;
        }
        struct bytes *request = &turns[order[line->next_send]].request;
        put(line, request->start, request->length);
        line->sent_at[(line->first + line->in_flight) % (unsigned)opt.flight] = now;
        line->next_send = (line->next_send + 1) % order_length;
        line->in_flight++;
        in_flight++;
        sent++;
    }
    flush_out(line);
}

static void send_close(struct line *line) {
    static const uint8_t goodbye[] = {0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2};
    put(line, goodbye, sizeof goodbye);
    line->state = CLOSING;
    flush_out(line);
}

static void send_pong(struct line *line, const uint8_t *payload, size_t length) {
    uint8_t head[6] = {0x8a, (uint8_t)(0x80 | length), 0, 0, 0, 0}; /* a mask of zeros leaves the payload as it is */
    put(line, head, sizeof head);
    put(line, payload, length);
    flush_out(line);
}

static void tell_wrong(struct bytes *wanted, const uint8_t *got, size_t length) {
    fputs("load: a wrong reply\n  expected: ", stderr);
    size_t head = wanted->length > 127 ? 4 : 2;
    fwrite(wanted->start + head, 1, wanted->length - head < 400 ? wanted->length - head : 400, stderr);
    fputs("\n  got:      ", stderr);
    head = length > 127 ? 4 : 2;
    fwrite(got + head, 1, length - head < 400 ? length - head : 400, stderr);
    fputc('\n', stderr);
}

/* Whether a reply is the expected one; with more keys behind its own where events are numbered. */
static bool is_right(const struct bytes *wanted, const uint8_t *got, size_t length) {
    if (!opt.numbered) return length == wanted->length && !memcmp(got, wanted->start, length);
    size_t head = wanted->length > 127 ? 4 : 2, same = wanted->length - head - 1, ours = length > 127 ? 4 : 2;
    return length > ours + same + 1 && !memcmp(got + ours, wanted->start + head, same) && got[ours + same] == ',';
}

static bool is_history(const uint8_t *got, size_t length) {
    static const char text[] = "{\"event\":\"history\"";
    size_t head = length > 127 ? 4 : 2;
    return opt.numbered && length > head + sizeof text && !memcmp(got + head, text, sizeof text - 1);
}

static void check_reply(struct line *line, const uint8_t *got, size_t length, uint64_t now) {
    if (is_history(got, length)) return;
    if (!line->in_flight) {
        wrong++;
        return;
    }
    struct bytes *wanted = &turns[order[line->next_reply]].reply;
    if (!is_right(wanted, got, length) && !wrong++) tell_wrong(wanted, got, length);
    uint64_t micros = (now - line->sent_at[line->first]) / 1000;
    histogram[micros < BUCKETS ? micros : BUCKETS - 1]++;
    line->first = (line->first + 1) % (unsigned)opt.flight;
    line->next_reply = (line->next_reply + 1) % order_length;
    line->in_flight--;
    in_flight--;
    replied++;
}

/* One whole frame at `at`, or 0 when more must come. */
static size_t frame_length(const uint8_t *at, size_t left) {
    if (left < 2) return 0;
    size_t payload = at[1] & 0x7f, head = 2;
    if (payload == 126) {
        if (left < 4) return 0;
        payload = (size_t)at[2] << 8 | at[3];
        head = 4;
    } else if (payload == 127) {
        fail("the server sent a frame over 65,535 bytes");
    }
    return left >= head + payload ? head + payload : 0;
}

static void take_frames(struct line *line, uint64_t now) {
    size_t done = 0, length;
    while (line->state == OPEN && (length = frame_length(line->in + done, line->in_length - done))) {
        uint8_t *at = line->in + done;
        int opcode = at[0] & 0x0f;
        done += length;
        if (opcode == 0x9)
            send_pong(line, at + 2, length - 2);
        else if (opcode == 0x8)
            return lose(line, "the server closed it");
        else if (opcode != 0xa)
            check_reply(line, at, length, now);
    }
    if (line->state != OPEN) return;
    line->in_length -= done;
    memmove(line->in, line->in + done, line->in_length);
    if (line->in_length == in_size) fail("a reply is longer than any that was expected");
    if (sending || line->out_length) send_turns(line, now);
}

static void take_upgrade(struct line *line, uint64_t now) {
    line->in[line->in_length < in_size ? line->in_length : in_size - 1] = 0;
    char *head = (char *)line->in, *rest = strstr(head, "\r\n\r\n");
    if (!rest) {
        if (line->in_length >= in_size - 1) fail("the answer to the upgrade is endless");
        return;
    }
    if (strncmp(head, "HTTP/1.1 101", 12) || !strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        fail("the upgrade was refused:\n%s", head);
    size_t used = (size_t)(rest + 4 - head);
    line->in_length -= used;
    memmove(line->in, line->in + used, line->in_length);
    line->state = OPEN;
    opening--;
    opened++;
    if (opt.mode == HANDSHAKES) return send_close(line);
    take_frames(line, now);
}

static void take_closing(struct line *line) {
    if (line->in_length >= 2 && line->in[0] == 0x88) line->close_seen = true;
    line->in_length = 0;
}

static void next_shake(struct line *line) {
    if (shakes_begun < shakes_wanted) {
        shakes_begun++;
        begin(line);
    }
}

static void on_end(struct line *line) {
    if (line->state == UPGRADING || line->state == CONNECTING) fail("the server hung up during the upgrade");
    if (line->state == OPEN) return lose(line, "the server hung up");
    if (!line->close_seen && opt.mode == HANDSHAKES) lost++;
    end(line);
    if (opt.mode == HANDSHAKES) {
        shakes++;
        next_shake(line);
    }
}

static void on_readable(struct line *line) {
    ssize_t got = read(line->fd, line->in + line->in_length, in_size - line->in_length);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return on_end(line);
    line->in_length += (size_t)got;
    uint64_t now = now_ns();
    if (line->state == OPEN)
        take_frames(line, now);
    else if (line->state == UPGRADING)
        take_upgrade(line, now);
    else
        take_closing(line);
}

static void on_connected(struct line *line) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail("connect: %s", strerror(error));
    line->state = UPGRADING;
    watch(line, EPOLLIN, EPOLL_CTL_MOD);
    if (write(line->fd, upgrade_request, upgrade_length) != (ssize_t)upgrade_length)
        fail("the upgrade request could not be sent");
}

/* ---- the loop ---- */

static void step(int wait_ms) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, wait_ms);
    if (count < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct line *line = events[i].data.ptr;
        if (!line) {
            stdin_ready = true;
            continue;
        }
        if (line->state == UNUSED) continue;
        if (line->state == CONNECTING) {
            on_connected(line);
            continue;
        }
        if (events[i].events & EPOLLOUT) flush_out(line);
        if (line->state != UNUSED && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(line);
    }
}

/* The caller's next word. Pings are answered while we wait. */
static void await_word(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event)) fail("stdin must be a pipe");
    for (stdin_ready = false; !stdin_ready;) step(-1);
    char byte = 0;
    while (read(0, &byte, 1) == 1 && byte != '\n') {
    }
    epoll_ctl(poller, EPOLL_CTL_DEL, 0, &event);
}

static void say(const char *word) {
    puts(word);
    fflush(stdout);
}

static void open_all(void) {
    for (int next = 0; next < opt.connections || opening;) {
        while (next < opt.connections && opening < opt.opening) begin(&lines[next++]);
        step(1000);
    }
}

static void forget(void) {
    memset(histogram, 0, sizeof histogram);
    sent = replied = 0;
    started = now_ns();
}

static void exchange(double seconds) {
    uint64_t until = seconds > 0 ? now_ns() + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    sending = true;
    for (int i = 0; i < opt.connections; i++)
        if (lines[i].state == OPEN) send_turns(&lines[i], now_ns());
    while (opened && (sending || in_flight)) {
        if (opt.mode == GROUP) {
            send_to_group(now_ns());
            if (in_flight > EVENTS) usleep(1000); /* asleep on a socket, each delivery would have to wake us */
        }
        step(100);
        if (now_ns() >= until) sending = false;
    }
    sending = false;
}

static void shake(uint64_t wanted) {
    shakes = 0;
    shakes_wanted = wanted;
    shakes_begun = 0;
    for (int i = 0; i < opt.opening; i++) next_shake(&lines[i]);
    while (shakes < wanted) step(1000);
}

static void close_all(void) {
    for (int i = 0; i < opt.connections; i++)
        if (lines[i].state == OPEN) send_close(&lines[i]);
    uint64_t until = now_ns() + 5000000000u;
    while (opened && now_ns() < until) step(100);
}

static uint32_t percentile(double share) {
    uint64_t rank = (uint64_t)((double)replied * share), seen = 0;
    for (uint32_t i = 0; i < BUCKETS; i++)
        if ((seen += histogram[i]) > rank) return i;
    return BUCKETS - 1;
}

static void report(uint64_t count) {
    double seconds = (double)(now_ns() - started) / 1e9;
    printf("{\"count\": %llu, \"seconds\": %.6f, \"p50\": %u, \"p99\": %u, \"wrong\": %llu, \"lost\": %llu}\n",
           (unsigned long long)count, seconds, replied ? percentile(0.50) : 0, replied ? percentile(0.99) : 0,
           (unsigned long long)wrong, (unsigned long long)lost);
    fflush(stdout);
}

static void work(void) {
    if (opt.mode != HANDSHAKES) open_all();
    uint64_t count = opt.count;
    if (opt.mode == MESSAGES || opt.mode == GROUP) {
        opt.count = 0;
        if (opt.warmup > 0) exchange(opt.warmup);
        opt.count = count;
    } else if (opt.mode == HANDSHAKES && opt.warmups) {
        shake(opt.warmups);
    }
    say("ready");
    await_word();
    forget();
    if (opt.mode == MESSAGES || opt.mode == GROUP) {
        exchange(opt.seconds);
        report(replied);
    } else if (opt.mode == HANDSHAKES) {
        shake(count);
        report(shakes);
    } else {
        report((uint64_t)opened);
    }
    await_word();
    close_all();
}

/* ---- the beginning ---- */

static void make_lines(void) {
    int count = opt.mode == HANDSHAKES ? opt.opening : opt.connections;
    if (in_size < HEAD_LIMIT && opt.mode != IDLE) in_size = HEAD_LIMIT;
    if (in_size < 4096) in_size = 4096;
    if (out_size < 1024) out_size = 1024;
    lines = room((size_t)count * sizeof *lines);
    for (int i = 0; i < count; i++) {
        lines[i].in = room(in_size);
        lines[i].out = room(out_size);
        lines[i].sent_at = room((size_t)opt.flight * sizeof(uint64_t));
        /* each begins at another place of the order, so that the rare invalid message is spread over time */
        unsigned place = order_length && opt.mode != GROUP ? (unsigned)((uint64_t)i * order_length / (uint64_t)count) : 0;
        lines[i].next_send = lines[i].next_reply = place;
    }
    if (opt.mode == HANDSHAKES) opt.connections = count;
}

int main(int count, char **words) {
    read_options(count, words);
    set_limits();
    if (opt.mode == MESSAGES || opt.mode == GROUP) read_rotation();
    make_lines();
    int length = snprintf(upgrade_request, sizeof upgrade_request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                          "Cookie: %s\r\n\r\n", opt.path, opt.port, opt.cookie);
    if (length < 0 || (size_t)length >= sizeof upgrade_request) fail("the path and the cookie are too long");
    upgrade_length = (size_t)length;
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1: %s", strerror(errno));
    work();
    return 0;
}
