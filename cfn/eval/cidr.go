package eval

import (
	"math/big"
	"net/netip"
	"strconv"
)

// cidr is Fn::Cidr: [block, count, bits of each, 8 if left out].
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
func (e *evaluation) cidr(at *place, arg any) (any, error) {
	list, known, err := e.list(at, arg)
	if err != nil || !known {
		return Unknown, err
	}
	if len(list) < 2 || len(list) > 3 {
		return nil, e.errorf(at, cidrUsage)
	}
	args := []string{"", "", "8"}
	for i, v := range list {
		s, known, err := e.string(at.item(i), v)
		if err != nil || !known {
			return Unknown, err
		}
		args[i] = s
	}
	block, err := netip.ParsePrefix(args[0])
	if err != nil {
		return nil, e.errorf(at.item(0), "Template error: Fn::Cidr: %q is no CIDR block", args[0])
	}
	count, err := strconv.Atoi(args[1])
	if err != nil || count < 1 || count > 256 {
		return nil, e.errorf(at.item(1), "Template error: Fn::Cidr: the count must be from 1 to 256")
	}
	bits, err := strconv.Atoi(args[2])
	size := block.Addr().BitLen()
	if err != nil || bits < 1 || bits > size-block.Bits() {
		return nil, e.errorf(at, "Template error: Fn::Cidr: subnets with %s bits do not fit into %s", args[2], block)
	}
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if room := new(big.Int).Lsh(big.NewInt(1), uint(size-block.Bits()-bits)); room.Cmp(big.NewInt(int64(count))) < 0 {
		return nil, e.errorf(at, "Template error: Fn::Cidr: %d subnets with %d bits do not fit into %s", count, bits, block)
	}
	at0 := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	out := make([]any, count)
	for i := range out {
		addr, _ := netip.AddrFromSlice(at0.FillBytes(make([]byte, size/8)))
		out[i] = netip.PrefixFrom(addr, size-bits).String()
		at0 = new(big.Int).Add(at0, step)
	}
	return out, nil
}
