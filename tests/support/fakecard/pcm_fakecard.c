/* A sound card without hardware: an ALSA external plug-in (ioplug) for the tests and benches of offhook.
 *
 *     pcm.card { type fakecard  directory "/tmp/card"  rate 48000  channels 2  format S16_LE }
 *
 * The card keeps time with CLOCK_MONOTONIC as hardware does: the position advances from the start trigger on,
 * a timer wakes poll() each period, and a buffer that runs empty or full gives -EPIPE. Rate, channels and format
 * are fixed as on a cheap USB card; plug-ins of ALSA may convert on top.
 *
 * `directory` is the bench around the card:
 *   control       a page of 32 bit words shared with the test (enum control below); made when missing
 *   capture.raw   what the microphone hears, mono S16 at the card's rate, looped; silence when missing
 *   playback.raw  with CONTROL_RECORD: what was played, mono S16 (first channel), gaps of xruns left out
 *   log           with CONTROL_RECORD: one line an event: name, CLOCK_MONOTONIC ns, frames since the file's begin
 *   *.lock        held while a direction is open, so that the second opener gets -EBUSY
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define BURST_NS 2000000LL /* length of the burst that CONTROL_IMPULSE makes audible */
#define BURST_LEVEL 20000

enum control {
    CONTROL_UNPLUGGED,      /* 1: the card is gone: -ENODEV for whoever has it open, and for who opens it */
    CONTROL_STALLED,        /* 1: the card's clock stands still */
    CONTROL_CAPTURE_XRUN,   /* counted up by the test: the next access overruns */
    CONTROL_PLAYBACK_XRUN,  /* likewise: underruns */
    CONTROL_SUSPEND,        /* likewise: the machine was suspended and woke: -ESTRPIPE */
    CONTROL_IMPULSE,        /* 1: the microphone hears a burst at each whole second of CLOCK_MONOTONIC */
    CONTROL_RECORD,         /* 1: write playback.raw and log; looked at when a direction is opened */
    CONTROL_CAPTURE_PPM,    /* how much faster the capture clock runs, in millionths, signed */
    CONTROL_PLAYBACK_PPM,   /* likewise for playback */
    CONTROL_OPENED,         /* counted up by the card: how often a direction was opened */
    CONTROL_OPEN,           /* kept by the card: how many directions are open */
    CONTROL_WORDS
};

typedef struct {
    snd_pcm_ioplug_t io;
    char directory[400];
    volatile int32_t *control;
    int timer, lock;
    int running;
    int64_t start_ns;
    uint64_t transferred; /* frames that the program has given or taken since prepare */
    uint64_t recorded;    /* frames in playback.raw */
    int32_t xruns_seen, suspends_seen;
    snd_pcm_uframes_t avail_min;
    int16_t *sound;
    size_t sound_frames;
    FILE *record, *log;
} card_t;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int is_playback(const card_t *card) { return card->io.stream == SND_PCM_STREAM_PLAYBACK; }

static void log_event(card_t *card, const char *event)
{
    if (!card->log)
        return;
    fprintf(card->log, "%s %lld %llu\n", event, (long long)now_ns(), (unsigned long long)card->recorded);
    fflush(card->log);
}

static void set_timer(card_t *card, int64_t first_ns, int64_t interval_ns)
{
    struct itimerspec spec = {
        .it_interval = {interval_ns / NS_PER_S, interval_ns % NS_PER_S},
        .it_value = {first_ns / NS_PER_S, first_ns % NS_PER_S},
    };
    timerfd_settime(card->timer, 0, &spec, NULL);
}

static double frames_per_ns(const card_t *card)
{
    int ppm = card->control[is_playback(card) ? CONTROL_PLAYBACK_PPM : CONTROL_CAPTURE_PPM];
    return card->io.rate * (1.0 + ppm / 1e6) / NS_PER_S;
}

/* Where the converter is, in frames since the start trigger. */
static uint64_t position(const card_t *card)
{
    if (!card->running)
        return is_playback(card) ? 0 : card->io.appl_ptr;
    return (uint64_t)((now_ns() - card->start_ns) * frames_per_ns(card));
}

static int asked(int32_t *seen, int32_t wanted)
{
    if (*seen == wanted)
        return 0;
    *seen = wanted;
    return 1;
}

static int card_start(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    int64_t period_ns = (int64_t)(io->period_size / frames_per_ns(card));
    card->start_ns = now_ns();
    card->running = 1;
    set_timer(card, period_ns, period_ns);
    log_event(card, "start");
    return 0;
}

static int card_stop(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    if (card->running)
        log_event(card, "stop");
    card->running = 0;
    set_timer(card, 1, 0); /* whoever polls shall look at the state */
    return 0;
}

static int card_prepare(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    card->running = 0;
    card->transferred = 0;
    set_timer(card, 1, 0);
    return 0;
}

static snd_pcm_sframes_t xrun(card_t *card)
{
    log_event(card, "xrun");
    card->running = 0;
    set_timer(card, 1, 0);
    return -EPIPE;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    uint64_t at = position(card);
    int which = is_playback(card) ? CONTROL_PLAYBACK_XRUN : CONTROL_CAPTURE_XRUN;
    if (card->control[CONTROL_UNPLUGGED]) {
        /* A negative answer would make it an xrun. */
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        return io->hw_ptr % io->buffer_size;
    }
    if (!card->running)
        return 0;
    if (card->control[CONTROL_STALLED]) {
        card->start_ns = now_ns() - (int64_t)(io->hw_ptr / frames_per_ns(card));
        return io->hw_ptr % io->buffer_size;
    }
    if (asked(&card->suspends_seen, card->control[CONTROL_SUSPEND])) {
        card->running = 0;
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
        return io->hw_ptr % io->buffer_size;
    }
    if (asked(&card->xruns_seen, card->control[which]))
        return xrun(card);
    if (is_playback(card)) {
        if (at > card->transferred) {
            if (io->state != SND_PCM_STATE_DRAINING)
                return xrun(card);
            at = card->transferred;
        }
    } else if (at > io->appl_ptr + io->buffer_size) {
        return xrun(card);
    }
    return at % io->buffer_size;
}

/* What the microphone hears at frame `frame` since the start trigger. */
static int16_t heard(const card_t *card, uint64_t frame)
{
    int64_t at;
    if (!card->control[CONTROL_IMPULSE])
        return card->sound_frames ? card->sound[frame % card->sound_frames] : 0;
    at = (card->start_ns + (int64_t)(frame / frames_per_ns(card))) % NS_PER_S;
    if (at >= BURST_NS)
        return 0;
    return (at / (BURST_NS / 8)) % 2 ? -BURST_LEVEL : BURST_LEVEL;
}

static void put_sample(const card_t *card, char *at, int16_t sample)
{
    if (card->io.format == SND_PCM_FORMAT_S32_LE)
        *(int32_t *)at = (int32_t)sample * 65536;
    else
        *(int16_t *)at = sample;
}

static int16_t get_sample(const card_t *card, const char *at)
{
    return card->io.format == SND_PCM_FORMAT_S32_LE ? (int16_t)(*(const int32_t *)at / 65536) : *(const int16_t *)at;
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    card_t *card = io->private_data;
    snd_pcm_uframes_t frame;
    unsigned int channel;
    if (card->control[CONTROL_UNPLUGGED])
        return -ENODEV;
    for (frame = 0; frame < size; frame++) {
        for (channel = 0; channel < io->channels; channel++) {
            const snd_pcm_channel_area_t *area = &areas[channel];
            char *at = (char *)area->addr + (area->first + area->step * (offset + frame)) / 8;
            if (!is_playback(card))
                /* ALSA may ask for the same frames again before it commits them: count from its own position. */
                put_sample(card, at, heard(card, io->appl_ptr + frame));
            else if (channel == 0 && card->record) {
                int16_t sample = get_sample(card, at);
                fwrite(&sample, sizeof sample, 1, card->record);
            }
        }
    }
    if (is_playback(card)) {
        card->transferred += size;
        card->recorded += card->record ? size : 0;
    }
    return size;
}

static int card_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
    card_t *card = io->private_data;
    return snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
}

static int card_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *revents)
{
    card_t *card = io->private_data;
    uint64_t ticks, at = position(card);
    snd_pcm_uframes_t available;
    unsigned short ready = is_playback(card) ? POLLOUT : POLLIN;
    (void)fds;
    (void)count;
    *revents = 0;
    if (card->control[CONTROL_UNPLUGGED]) {
        *revents = ready | POLLERR;
        return 0;
    }
    if (io->state == SND_PCM_STATE_XRUN || io->state == SND_PCM_STATE_SUSPENDED ||
        io->state == SND_PCM_STATE_DISCONNECTED) {
        *revents = ready | POLLERR;
        return 0;
    }
    if (is_playback(card))
        available = io->buffer_size - (card->transferred > at ? card->transferred - at : 0);
    else
        available = at > io->appl_ptr ? at - io->appl_ptr : 0;
    if (card->running && !card->control[CONTROL_STALLED] && available >= card->avail_min) {
        *revents = ready;
        return 0;
    }
    if (read(card->timer, &ticks, sizeof ticks) < 0)
        return 0; /* it had been read already */
    return 0;
}

static int card_drain(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    while (card->running && !card->control[CONTROL_STALLED] && position(card) < card->transferred)
        usleep(2000);
    return 0;
}

static int card_close(snd_pcm_ioplug_t *io)
{
    card_t *card = io->private_data;
    log_event(card, "close");
    if (card->control)
        __sync_fetch_and_sub(&card->control[CONTROL_OPEN], 1);
    if (card->record)
        fclose(card->record);
    if (card->log)
        fclose(card->log);
    if (card->control)
        munmap((void *)card->control, CONTROL_WORDS * sizeof(int32_t));
    close(card->timer);
    close(card->lock);
    free(card->sound);
    free(card);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = card_start,
    .stop = card_stop,
    .prepare = card_prepare,
    .pointer = card_pointer,
    .transfer = card_transfer,
    .sw_params = card_sw_params,
    .poll_revents = card_poll_revents,
    .drain = card_drain,
    .close = card_close,
};

static void path_in(const card_t *card, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", card->directory, name);
}

static int map_control(card_t *card)
{
    char path[512];
    int fd;
    void *page;
    path_in(card, "control", path, sizeof path);
    if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
        return -errno;
    if (ftruncate(fd, CONTROL_WORDS * sizeof(int32_t)) < 0) {
        close(fd);
        return -errno;
    }
    page = mmap(NULL, CONTROL_WORDS * sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return -errno;
    card->control = page;
    return 0;
}

static int lock_direction(card_t *card, int playback)
{
    char path[512];
    path_in(card, playback ? "playback.lock" : "capture.lock", path, sizeof path);
    if ((card->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
        return -errno;
    return flock(card->lock, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
}

static void load_sound(card_t *card)
{
    char path[512];
    struct stat info;
    FILE *file;
    path_in(card, "capture.raw", path, sizeof path);
    if (!(file = fopen(path, "rb")))
        return;
    if (fstat(fileno(file), &info) == 0 && info.st_size >= 2 && (card->sound = malloc(info.st_size)))
        card->sound_frames = fread(card->sound, sizeof(int16_t), info.st_size / 2, file);
    fclose(file);
}

static void start_record(card_t *card, int playback)
{
    char path[512];
    if (!card->control[CONTROL_RECORD])
        return;
    path_in(card, "log", path, sizeof path);
    if (playback)
        card->log = fopen(path, "a");
    path_in(card, "playback.raw", path, sizeof path);
    if (playback && (card->record = fopen(path, "ab"))) {
        fseek(card->record, 0, SEEK_END);
        card->recorded = ftell(card->record) / 2;
    }
}

static int set_parameters(card_t *card, long rate, long channels, unsigned int format)
{
    const unsigned int access[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
    snd_pcm_ioplug_t *io = &card->io;
    int err;
    if ((err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access)) < 0 ||
        (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, &format)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64)) < 0)
        return err;
    return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 256, 1 << 18);
}

static void discard(card_t *card)
{
    if (card->control)
        munmap((void *)card->control, CONTROL_WORDS * sizeof(int32_t));
    if (card->timer >= 0)
        close(card->timer);
    if (card->lock >= 0)
        close(card->lock);
    free(card);
}

SND_PCM_PLUGIN_DEFINE_FUNC(fakecard)
{
    snd_config_iterator_t at, next;
    const char *directory = NULL, *format_name = "S16_LE";
    long rate = 48000, channels = 2;
    int err, playback = stream == SND_PCM_STREAM_PLAYBACK;
    card_t *card;
    (void)root;

    snd_config_for_each(at, next, conf)
    {
        snd_config_t *entry = snd_config_iterator_entry(at);
        const char *id;
        if (snd_config_get_id(entry, &id) < 0 || !strcmp(id, "type") || !strcmp(id, "comment") || !strcmp(id, "hint"))
            continue;
        if (!strcmp(id, "directory"))
            snd_config_get_string(entry, &directory);
        else if (!strcmp(id, "format"))
            snd_config_get_string(entry, &format_name);
        else if (!strcmp(id, "rate"))
            snd_config_get_integer(entry, &rate);
        else if (!strcmp(id, "channels"))
            snd_config_get_integer(entry, &channels);
        else {
            SNDERR("fakecard does not know the field %s", id);
            return -EINVAL;
        }
    }
    if (!directory || strlen(directory) >= sizeof card->directory) {
        SNDERR("fakecard needs a directory of at most %zu characters", sizeof card->directory - 1);
        return -EINVAL;
    }
    if (!(card = calloc(1, sizeof *card)))
        return -ENOMEM;
    strcpy(card->directory, directory);
    card->lock = -1;
    card->avail_min = 1;
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if ((err = map_control(card)) < 0 || (err = card->control[CONTROL_UNPLUGGED] ? -ENODEV : 0) < 0 ||
        (err = lock_direction(card, playback)) < 0) {
        discard(card);
        return err;
    }
    card->xruns_seen = card->control[playback ? CONTROL_PLAYBACK_XRUN : CONTROL_CAPTURE_XRUN];
    card->suspends_seen = card->control[CONTROL_SUSPEND];
    if (!playback)
        load_sound(card);
    start_record(card, playback);
    card->io.version = SND_PCM_IOPLUG_VERSION;
    card->io.name = "offhook fake card";
    card->io.callback = &callbacks;
    card->io.private_data = card;
    card->io.poll_fd = card->timer;
    card->io.poll_events = POLLIN;
    card->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC;
    if ((err = snd_pcm_ioplug_create(&card->io, name, stream, mode)) < 0) {
        discard(card);
        return err;
    }
    __sync_fetch_and_add(&card->control[CONTROL_OPENED], 1);
    __sync_fetch_and_add(&card->control[CONTROL_OPEN], 1);
    if ((err = set_parameters(card, rate, channels, snd_pcm_format_value(format_name))) < 0) {
        snd_pcm_ioplug_delete(&card->io); /* closes the card */
        return err;
    }
    *pcmp = card->io.pcm;
    return 0;
}

SND_PCM_PLUGIN_SYMBOL(fakecard);
