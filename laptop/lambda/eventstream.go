package lambda

import (
	"encoding/binary"
	"hash/crc32"
)

// eventMessage is a message of the framing application/vnd.amazon.eventstream with headers that are
// all text:
//
//	┌───────┬─────────┬─────────────┬─────────┬─────────┬─────────────┐
//	│ total │ headers │ CRC of both │ headers │ payload │ CRC of all  │
//	│ 4     │ 4       │ 4           │         │         │ 4           │
//	└───────┴─────────┴─────────────┴─────────┴─────────┴─────────────┘
//
// A header is the length of its name (1 byte), its name, 7 for text, the length of its value (2
// bytes) and its value. See https://smithy.io/2.0/aws/amazon-eventstream.html
func eventMessage(headers [][2]string, payload []byte) []byte {
	size := 0
	for _, h := range headers {
		size += 1 + len(h[0]) + 1 + 2 + len(h[1])
	}
	total := 12 + size + len(payload) + 4
	b := make([]byte, 0, total)
	b = binary.BigEndian.AppendUint32(b, uint32(total))
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	for _, h := range headers {
		b = append(append(b, byte(len(h[0]))), h[0]...)
		b = append(b, 7)
		b = binary.BigEndian.AppendUint16(b, uint16(len(h[1])))
		b = append(b, h[1]...)
	}
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
