#include "textflag.h"

// One half of a block: 32 bytes at off(SI). Sets the bits of ends in R8, of digits in R9, of bytes beyond ASCII in R10, of line feeds in BX, and adds to
// Y15 where "nhs" starts. Uses Y9 to Y14.
#define HALF(off) \
	VMOVDQU  off(SI), Y9      \
	VPCMPEQB Y9, Y0, Y10      \
	VPCMPEQB Y9, Y1, Y11      \
	VPCMPEQB Y9, Y2, Y12      \
	VPMOVMSKB Y11, BX         \
	VPOR     Y11, Y10, Y10    \
	VPOR     Y12, Y10, Y10    \
	VPMOVMSKB Y10, R8         \
	VPMOVMSKB Y9, R10         \
	VPSUBB   Y3, Y9, Y11      \
	VPMINUB  Y4, Y11, Y12     \
	VPCMPEQB Y11, Y12, Y12    \
	VPMOVMSKB Y12, R9         \
	VPOR     Y8, Y9, Y11      \
	VPCMPEQB Y5, Y11, Y11     \
	VPOR     (off+1)(SI), Y8, Y12 \
	VPCMPEQB Y6, Y12, Y12     \
	VPOR     (off+2)(SI), Y8, Y13 \
	VPCMPEQB Y7, Y13, Y13     \
	VPAND    Y12, Y11, Y11    \
	VPAND    Y13, Y11, Y11    \
	VPOR     Y11, Y15, Y15

#define BROADCAST(value, x, y) \
	MOVL $value, AX  \
	MOVQ AX, x       \
	VPBROADCASTB x, y

// func markAVX2(all *Block, data *byte, n int, delimiter byte) (nhs bool)
TEXT ·markAVX2(SB), NOSPLIT, $0-33
	MOVQ all+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ n+16(FP), CX
	MOVBLZX delimiter+24(FP), AX
	MOVQ AX, X0
	VPBROADCASTB X0, Y0
	BROADCAST(0x0A, X1, Y1)
	BROADCAST(0x0D, X2, Y2)
	BROADCAST(0x30, X3, Y3)
	BROADCAST(0x09, X4, Y4)
	BROADCAST(0x6E, X5, Y5)
	BROADCAST(0x68, X6, Y6)
	BROADCAST(0x73, X7, Y7)
	BROADCAST(0x20, X8, Y8)
	VPXOR Y15, Y15, Y15

block:
	HALF(0)
	MOVQ R8, R11
	MOVQ R9, R12
	MOVQ R10, R13
	MOVQ BX, DX
	HALF(32)
	SHLQ $32, R8
	SHLQ $32, R9
	SHLQ $32, R10
	SHLQ $32, BX
	ORQ  R11, R8
	ORQ  R12, R9
	ORQ  R13, R10
	ORQ  DX, BX
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ BX, 24(DI)
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  block

	VPTEST Y15, Y15
	SETNE nhs+32(FP)
	VZEROUPPER
	RET
