/* Reads a JSON list of numbers into an array of doubles, each with the bits that strtod gives it.

   Most numbers of a tensor of float32 have at most 16 characters: these are read without a branch for each digit, by
   SSE4.1, at positions that AVX2 finds 64 characters at a time. The others are read by strtod; where there are many of
   them, or where anything is not as simple as that, the list is refused, and the caller has another way to read it. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED (-1)

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

enum { WIDTH = 16, BLOCK = 64, LONGEST = 40, MOST_BY_STRTOD = 64 };

static const uint64_t EXACT = (uint64_t)1 << 53;
static const double POWERS[WIDTH] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

struct reading {
  double *values;
  long capacity, count, integers, by_strtod;
};

/* The number of `length` characters in front of `end`, of which 16 can be read; 0 where it needs more care. */
__attribute__((target("sse4.1"))) static inline int quick(const unsigned char *end, long length, double *value,
                                                          int *integer) {
  const __m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i tens = _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1);
  const __m128i hundreds = _mm_setr_epi16(100, 1, 100, 1, 100, 1, 100, 1);
  const __m128i myriads = _mm_setr_epi16(10000, 1, 10000, 1, 10000, 1, 10000, 1);
  if (length < 1 || length > WIDTH) return 0;
  const int negative = end[-length] == '-';
  const int first = WIDTH - (int)length + negative;
  __m128i text = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(end - WIDTH)), _mm_set1_epi8('0'));
  text = _mm_and_si128(text, _mm_cmpgt_epi8(index, _mm_set1_epi8((char)(first - 1))));
  const unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.' - '0')));
  const int point = points ? __builtin_ctz(points) : WIDTH;
  const int fraction = points ? WIDTH - 1 - point : 0;
  /* what is before the point takes its place; a second point is no digit */
  const __m128i before = _mm_cmpgt_epi8(_mm_set1_epi8((char)(point + 1)), index);
  const __m128i digits = points ? _mm_blendv_epi8(text, _mm_slli_si128(text, 1), before) : text;
  const __m128i beyond = _mm_subs_epu8(digits, _mm_set1_epi8(9));
  const int whole = point - first;
  /* JSON has digits on both sides of a point, and nothing behind a 0 in front of it */
  if (!_mm_testz_si128(beyond, beyond) || whole < 1 || (whole > 1 && end[first - WIDTH] == '0') ||
      (points && fraction < 1))
    return 0;
  __m128i sums = _mm_madd_epi16(_mm_maddubs_epi16(digits, tens), hundreds);
  sums = _mm_madd_epi16(_mm_packus_epi32(sums, sums), myriads);
  const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(sums);
  const uint64_t number = (halves & 0xffffffffu) * 100000000u + (halves >> 32);
  if (number > EXACT) return 0;
  /* both are exact, so the quotient is rounded once; an integer has no negative zero */
  *value = (double)(int64_t)number / POWERS[fraction];
  *integer = !points;
  /* the sign without a branch, which would be wrong half of the time */
  uint64_t bits;
  memcpy(&bits, value, sizeof bits);
  bits |= (uint64_t)(negative & ((points | number) != 0)) << 63;
  memcpy(value, &bits, sizeof bits);
  return 1;
}

static const unsigned char *past_digits(const unsigned char *text) {
  while (*text >= '0' && *text <= '9') text++;
  return text;
}

/* Any other number with a point or an exponent; 0 for what is none in JSON, is infinite, or is an integer. */
static int careful(const unsigned char *end, long length, double *value) {
  unsigned char text[LONGEST + 1];
  if (length < 1 || length > LONGEST) return 0;
  memcpy(text, end - length, (size_t)length);
  text[length] = 0;
  const unsigned char *at = text + (*text == '-'), *from = at;
  at = past_digits(at);
  if (at == from || (*from == '0' && at > from + 1)) return 0;
  const unsigned char *const integer = at;
  if (*at == '.') {
    from = ++at;
    at = past_digits(at);
    if (at == from) return 0;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    if (*at == '+' || *at == '-') at++;
    from = at;
    at = past_digits(at);
    if (at == from) return 0;
  }
  if (at == integer || at != text + length) return 0;
  char *stopped;
  *value = strtod((const char *)text, &stopped);
  /* elsewhere where a locale has another point */
  return (const unsigned char *)stopped == at && isfinite(*value);
}

/* Takes the number in front of `end`; 0 where the list is refused. */
__attribute__((target("sse4.1"))) static inline int take(struct reading *reading, const unsigned char *end,
                                                         long length) {
  if (length > 1 && length <= LONGEST && end[-length] == ' ') length--;
  if (reading->count >= reading->capacity) return 0;
  int integer = 0;
  double *value = reading->values + reading->count;
  if (!quick(end, length, value, &integer)) {
    if (++reading->by_strtod > MOST_BY_STRTOD || !careful(end, length, value)) return 0;
  }
  reading->integers += integer;
  reading->count++;
  return 1;
}

/* A bit for every comma and closing bracket of 64 characters. */
__attribute__((target("avx2"))) static inline uint64_t ends_in(const unsigned char *block) {
  const __m256i comma = _mm256_set1_epi8(','), bracket = _mm256_set1_epi8(']');
  uint64_t ends = 0;
  for (int half = 0; half < 2; half++) {
    const __m256i text = _mm256_loadu_si256((const __m256i *)(block + 32 * half));
    const __m256i found = _mm256_or_si256(_mm256_cmpeq_epi8(text, comma), _mm256_cmpeq_epi8(text, bracket));
    ends |= (uint64_t)(uint32_t)_mm256_movemask_epi8(found) << (32 * half);
  }
  return ends;
}

/* How many numbers there are from text[start] on up to a closing bracket, -1 where the list is refused. `text` has
   `length` characters, at least 16 of them before `start`. Sets the position behind the bracket, and how many of the
   numbers are integers. */
__attribute__((target("avx2"))) long read_number_list(const unsigned char *text, long length, long start,
                                                      double *values, long capacity, long *behind,
                                                      long *integers) {
  unsigned char rest[LONGEST + 1 + BLOCK];
  struct reading reading = {values, capacity, 0, 0, 0};
  if (start < WIDTH) return REFUSED;
  long from = start;
  for (long at = start; at < length; at += BLOCK) {
    const unsigned char *block = text + at;
    if (length - at < BLOCK) {
      /* a copy of the last characters, and of as many before them as a number may have */
      const long before = at < LONGEST + 1 ? at : LONGEST + 1;
      memset(rest, 0, sizeof rest);
      memcpy(rest + LONGEST + 1 - before, block - before, (size_t)(before + length - at));
      block = rest + LONGEST + 1;
    }
    for (uint64_t ends = ends_in(block); ends; ends &= ends - 1) {
      const int place = __builtin_ctzll(ends);
      const unsigned char *end = block + place;
      /* a number that is longer than LONGEST is refused before any of its characters is looked at */
      if (!take(&reading, end, at + place - from)) return REFUSED;
      from = at + place + 1;
      if (*end == ']') {
        *behind = from;
        *integers = reading.integers;
        return reading.count;
      }
    }
  }
  return REFUSED;
}

/* Whether this processor has what read_number_list needs. */
int can_read_number_list(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("sse4.1"); }

#else

long read_number_list(const unsigned char *text, long length, long start, double *values, long capacity,
                      long *behind, long *integers) {
  (void)text, (void)length, (void)start, (void)values, (void)capacity, (void)behind, (void)integers;
  return REFUSED;
}

int can_read_number_list(void) { return 0; }

#endif
