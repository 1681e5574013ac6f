// Package spec has the names and numbers of the Parquet format (apache/parquet-format 2.12,
// parquet.thrift), and the errors that tell what is wrong with a file.
package spec

import (
	"bytes"
	"path/filepath"
	"strings"
)

// Codec is a CompressionCodec (parquet.thrift).
type Codec int32

// The codecs.
const (
	Uncompressed Codec = iota
	SnappyCodec
	GzipCodec
	LZOCodec
	BrotliCodec
	LZ4Hadoop
	ZstdCodec
	LZ4Raw
)

// CodecOf checks the number of a codec.
func CodecOf(id int32) (Codec, error) {
	c := Codec(id)
	switch {
	case c == LZOCodec:
		return c, Unsupported("compression with LZO (write the file with Snappy or ZSTD)")
	case c < Uncompressed || c > LZ4Raw:
		return c, Unsupported("compression codec %d", id)
	}
	return c, nil
}

// The magic numbers, and the size in bytes of what follows the footer.
const (
	Magic          = "PAR1"
	MagicEncrypted = "PARE"
	TailSize       = 8 // footer length and magic
)

// FormatName is what reports call the format.
const FormatName = "parquet"

// IsParquet reports whether head is that of a Parquet file, encrypted or not. The four letters of
// the magic could start a text too, but in a Parquet file a Thrift field header follows them, which
// is no character of a text.
func IsParquet(head []byte, name string) bool {
	if bytes.HasPrefix(head, []byte(Magic)) || bytes.HasPrefix(head, []byte(MagicEncrypted)) {
		if len(head) > len(Magic) {
			next := head[len(Magic)]
			return next < ' ' && next != '\t' && next != '\r' && next != '\n'
		}
		return named(name)
	}
	return named(name) && bytes.IndexByte(head, 0) >= 0
}

// named reports whether a file's name says that it is a Parquet file.
func named(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".parquet", ".parq", ".pq":
		return true
	}
	return false
}

// Page types (parquet.thrift, PageType).
const (
	DataPage       = 0
	IndexPage      = 1
	DictionaryPage = 2
	DataPageV2     = 3
)

// Physical is a physical type (parquet.thrift, Type).
type Physical int32

// The physical types.
const (
	Boolean Physical = iota
	Int32Type
	Int64Type
	Int96
	Float
	Double
	ByteArray
	FixedLenByteArray
)

// PhysicalNames are the names of the physical types.
var PhysicalNames = [...]string{
	"BOOLEAN",
	"INT32",
	"INT64",
	"INT96",
	"FLOAT",
	"DOUBLE",
	"BYTE_ARRAY",
	"FIXED_LEN_BYTE_ARRAY",
}

// Annotation is what a logical or converted type says about a column, as far as it matters here.
type Annotation uint8

// The annotations.
const (
	Unannotated Annotation = iota
	Textual                // STRING, ENUM
	SignedInt
	UnsignedInt
	Decimal
	Temporal // DATE, TIME, TIMESTAMP
	JSONText
	BSONDocument
	UUID
	Float16
	Interval
	Strange // anything else: such values have no order that this program knows
)

// AnnotationNames are what the type of a column is called with an annotation.
var AnnotationNames = [...]string{
	"",
	"STRING",
	"INTEGER",
	"UNSIGNED INTEGER",
	"DECIMAL",
	"DATE or TIME",
	"JSON",
	"BSON",
	"UUID",
	"FLOAT16",
	"INTERVAL",
	"an annotation that this program does not know",
}

// ConvertedAnnotations maps a ConvertedType (parquet.thrift) to the annotation that replaced it.
var ConvertedAnnotations = map[int32]Annotation{
	0: Textual, 4: Textual, 5: Decimal, 6: Temporal, 7: Temporal, 8: Temporal, 9: Temporal, 10: Temporal,
	11: UnsignedInt, 12: UnsignedInt, 13: UnsignedInt, 14: UnsignedInt, 15: SignedInt, 16: SignedInt, 17: SignedInt, 18: SignedInt,
	19: JSONText, 20: BSONDocument, 21: Interval,
}

// LogicalAnnotations maps the field that is set in a LogicalType (parquet.thrift).
var LogicalAnnotations = map[int16]Annotation{
	1: Textual, 4: Textual, 5: Decimal, 6: Temporal, 7: Temporal, 8: Temporal, 10: SignedInt,
	12: JSONText, 13: BSONDocument, 14: UUID, 15: Float16,
}

// Encoding is an Encoding (parquet.thrift).
type Encoding int32

// The encodings.
const (
	Plain                Encoding = 0
	PlainDictionary      Encoding = 2
	RLE                  Encoding = 3
	BitPacked            Encoding = 4
	DeltaBinaryPacked    Encoding = 5
	DeltaLengthByteArray Encoding = 6
	DeltaByteArray       Encoding = 7
	RLEDictionary        Encoding = 8
	ByteStreamSplit      Encoding = 9
)
