/* The command line of the load program, its limits, and how it says that it cannot go on. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum mode { MESSAGES, HANDSHAKES, IDLE, GROUP };

static struct {
    const char *path, *cookie, *rotation;
    int port, connections, flight, opening, sources, cpu;
    double seconds, warmup, limit;
    uint64_t count, warmups;
    enum mode mode;
    bool numbered;
} opt = {.path = "/", .cookie = "", .connections = 64, .flight = 1, .opening = 32, .sources = 1, .cpu = -1,
         .seconds = 0, .warmup = 0.2, .limit = 120, .mode = MESSAGES};

static void fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

static void *room(size_t size) {
    void *start = calloc(1, size ? size : 1);
    if (!start) fail("out of memory");
    return start;
}

static void on_alarm(int number) {
    (void)number;
    static const char text[] = "load: the time limit was reached\n";
    if (write(2, text, sizeof text - 1)) _exit(4);
    _exit(4);
}

static bool take_option(const char *name, const char *value) {
    if (!strcmp(name, "--port")) opt.port = atoi(value);
    else if (!strcmp(name, "--path")) opt.path = value;
    else if (!strcmp(name, "--cookie")) opt.cookie = value;
    else if (!strcmp(name, "--rotation")) opt.rotation = value;
    else if (!strcmp(name, "--connections")) opt.connections = atoi(value);
    else if (!strcmp(name, "--flight")) opt.flight = atoi(value);
    else if (!strcmp(name, "--opening")) opt.opening = atoi(value);
    else if (!strcmp(name, "--sources")) opt.sources = atoi(value);
    else if (!strcmp(name, "--cpu")) opt.cpu = atoi(value);
    else if (!strcmp(name, "--seconds")) opt.seconds = atof(value);
    else if (!strcmp(name, "--warmup")) opt.warmup = atof(value);
    else if (!strcmp(name, "--warmups")) opt.warmups = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--limit")) opt.limit = atof(value);
    else if (!strcmp(name, "--count")) opt.count = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--mode"))
        opt.mode = !strcmp(value, "handshakes") ? HANDSHAKES : !strcmp(value, "idle") ? IDLE
                   : !strcmp(value, "group")    ? GROUP : MESSAGES;
    else if (!strcmp(name, "--numbered")) opt.numbered = atoi(value);
    else return false;
    return true;
}

static void read_options(int count, char **words) {
    for (int i = 1; i < count; i += 2)
        if (i + 1 >= count || !take_option(words[i], words[i + 1])) {
            fprintf(stderr, "load: wrong option %s\n", words[i]);
            exit(2);
        }
    bool endless = (opt.mode == MESSAGES || opt.mode == GROUP) && opt.seconds <= 0 && !opt.count;
    if (!opt.port || opt.flight < 1 || opt.connections < 1 || opt.opening < 1 || endless) {
        fputs("load: give --port, and --seconds or --count\n", stderr);
        exit(2);
    }
}

static void set_limits(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, on_alarm);
    alarm((unsigned)opt.limit);
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (opt.cpu >= 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(opt.cpu, &cpus);
        if (sched_setaffinity(0, sizeof cpus, &cpus)) fail("cannot run on core %d: %s", opt.cpu, strerror(errno));
    }
}
