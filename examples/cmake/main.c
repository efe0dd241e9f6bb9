// Looks at the two models that are linked into this program: size, alignment, the identifier of a .tflite, and, where
// their files are given as arguments, that every byte is there. Exit code 0 where all of it holds.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "digits_nucleo.h"
#include "digits_rpi4.h"
#include "model_data.h"

// Flatbuffers are read in place. The identifier is behind the offset of the root, at bytes 4 to 7.
static int is_model(const char *name, const unsigned char *model, unsigned int length) {
  int aligned = (uintptr_t)model % 16 == 0;
  int identified = length > 8 && memcmp(model + 4, "TFL3", 4) == 0;
  printf("%s: %u bytes, %s, %s\n", name, length, aligned ? "aligned to 16" : "NOT ALIGNED",
         identified ? "TFL3" : "NO TFL3");
  return aligned && identified;
}

static int equals_file(const unsigned char *model, unsigned int length, const char *path) {
  FILE *file = fopen(path, "rb");
  unsigned int same = 0;
  int byte;
  if (file == NULL) {
    perror(path);
    return 0;
  }
  while ((byte = fgetc(file)) != EOF && same < length && model[same] == byte) same++;
  fclose(file);
  printf("  %s %s\n", same == length && byte == EOF ? "equals" : "DIFFERS FROM", path);
  return same == length && byte == EOF;
}

int main(int count, char **arguments) {
  int good = is_model("digits_rpi4", digits_rpi4, digits_rpi4_len);
  good &= is_model("digits_nucleo", digits_nucleo, digits_nucleo_len);
#ifdef EDGEKIT_MODEL_ARENA_BYTES
  printf("digits_nucleo: arena %d bytes\n", EDGEKIT_MODEL_ARENA_BYTES);
#endif
  if (count > 1) good &= equals_file(digits_rpi4, digits_rpi4_len, arguments[1]);
  if (count > 2) good &= equals_file(digits_nucleo, digits_nucleo_len, arguments[2]);
  return good ? 0 : 1;
}
