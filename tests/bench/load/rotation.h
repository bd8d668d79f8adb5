/* What is sent and what must come back: read once, made into whole frames once. */

struct bytes {
    uint8_t *start;
    size_t length;
};

struct turn { /* one question with the answer that it must get, both as whole frames */
    struct bytes request;
    struct bytes reply;
};

static struct turn *turns;
static uint8_t *order;
static unsigned turn_count, order_length;
static size_t in_size, out_size;

/* ---- frames (RFC 6455, section 5.2) ---- */

static struct bytes frame(const uint8_t *payload, size_t length, bool masked, uint32_t seed) {
    struct bytes made = {room(length + 14), 0};
    uint8_t *at = made.start;
    *at++ = 0x81;
    uint8_t bit = masked ? 0x80 : 0;
    if (length < 126) {
        *at++ = bit | (uint8_t)length;
    } else {
        if (length > 65535) fail("a message of the rotation is over 65,535 bytes");
        *at++ = bit | 126;
        *at++ = (uint8_t)(length >> 8);
        *at++ = (uint8_t)length;
    }
    uint8_t mask[4] = {0, 0, 0, 0};
    if (masked) { /* a fixed mask for each message: the server must unmask all the same, and we mask only once */
        for (int i = 0; i < 4; i++) mask[i] = (uint8_t)((seed * 2654435761u + 0x9e3779b9u) >> (8 * i));
        memcpy(at, mask, 4);
        at += 4;
    }
    for (size_t i = 0; i < length; i++) *at++ = payload[i] ^ mask[i & 3];
    made.length = (size_t)(at - made.start);
    return made;
}

static uint32_t number(FILE *file) {
    uint8_t raw[4];
    if (fread(raw, 1, 4, file) != 4) fail("the rotation is cut short");
    return raw[0] | raw[1] << 8 | raw[2] << 16 | (uint32_t)raw[3] << 24;
}

static uint8_t *read_bytes(FILE *file, size_t length) {
    uint8_t *read = room(length);
    if (fread(read, 1, length, file) != length) fail("the rotation is cut short");
    return read;
}

/* The file: count of turns, length of the order; each turn as two lengths and two texts; the order, a byte each. */
static void read_rotation(void) {
    FILE *file = opt.rotation ? fopen(opt.rotation, "rb") : NULL;
    if (!file) fail("cannot read the rotation %s", opt.rotation ? opt.rotation : "(give --rotation)");
    turn_count = number(file);
    order_length = number(file);
    if (!turn_count || turn_count > 255 || !order_length) fail("the rotation is empty or too long");
    turns = room(turn_count * sizeof *turns);
    size_t longest = 0;
    for (unsigned i = 0; i < turn_count; i++) {
        uint32_t asked = number(file), answered = number(file);
        uint8_t *question = read_bytes(file, asked), *answer = read_bytes(file, answered);
        turns[i].request = frame(question, asked, true, i + 1);
        turns[i].reply = frame(answer, answered, false, 0);
        if (turns[i].reply.length > longest) longest = turns[i].reply.length;
        if (turns[i].request.length > out_size) out_size = turns[i].request.length;
        free(question);
        free(answer);
    }
    order = read_bytes(file, order_length);
    for (unsigned i = 0; i < order_length; i++)
        if (order[i] >= turn_count) fail("the rotation's order names a turn that is not there");
    in_size = longest * (size_t)opt.flight * 2;
    out_size *= (size_t)opt.flight * 2;
    fclose(file);
}
