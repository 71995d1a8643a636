/* What LZ4 costs for the frames in a file ([length, 4 bytes][body] each): microseconds of CPU each way, and what is left. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* liblz4's own, without its header: the library is everywhere, the header is not. */
int LZ4_compress_default(const char *source, char *target, int source_size, int target_size);
int LZ4_decompress_safe(const char *source, char *target, int source_size, int target_size);
int LZ4_compressBound(int size);

static double cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    enum { MAX = 4096, ROUNDS = 2000 };
    static char *plain[MAX], *packed[MAX];
    static int size[MAX], left[MAX];
    int count = 0;
    long bytes = 0, after = 0;
    uint32_t length;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!file) return 1;
    while (count < MAX && fread(&length, 4, 1, file) == 1) {
        plain[count] = malloc(length);
        packed[count] = malloc(LZ4_compressBound(length));
        if (fread(plain[count], 1, length, file) != length) return 1;
        size[count] = length;
        left[count] = LZ4_compress_default(plain[count], packed[count], length, LZ4_compressBound(length));
        bytes += length;
        after += left[count];
        count++;
    }
    if (!count) return 1;
    char *target = malloc(1 << 24);
    int rounds = 1 + (int)(ROUNDS * 1000L / count / (1 + bytes / count / 250));
    double begun = cpu_us();
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < count; i++) LZ4_compress_default(plain[i], target, size[i], 1 << 24);
    double pack = (cpu_us() - begun) / rounds / count;
    begun = cpu_us();
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < count; i++)
            if (LZ4_decompress_safe(packed[i], target, left[i], 1 << 24) != size[i]) return 1;
    double unpack = (cpu_us() - begun) / rounds / count;
    printf("%d frames of %ld bytes: %ld left (%.0f %%), compress %.2f us, expand %.2f us\n", count, bytes / count,
           after / count, 100.0 * after / bytes, pack, unpack);
    return 0;
}
