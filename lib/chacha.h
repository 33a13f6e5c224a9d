// The ChaCha20 block function (RFC 8439).
#pragma once

#include <lib/base.h>

void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64]);
