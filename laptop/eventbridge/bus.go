package eventbridge

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Bus is an event bus.
type Bus struct {
	Name        string
	Description string            `json:",omitempty"`
	Tags        map[string]string `json:",omitempty"`
	Created     time.Time
	Mark        string `json:",omitempty"` // by which whoever made it knows it; not shown
}

// defaultBus is there without being made, and cannot be deleted.
const defaultBus = "default"

var validBus = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,256}$`)

// BusARN is that of a bus.
func (s *Service) BusARN(name string) string {
	return "arn:aws:events:" + s.config.Region + ":" + s.config.Account + ":event-bus/" + name
}

// busName is the name in a bus's ARN, or what is a name already; "" means default.
func busName(id string) string {
	if id == "" {
		return defaultBus
	}
	if strings.HasPrefix(id, "arn:") {
		return id[strings.LastIndex(id, "/")+1:]
	}
	return id
}

// CreateBus makes a bus, durably.
func (s *Service) CreateBus(in Bus) (Bus, error) {
	if !validBus.MatchString(in.Name) {
		return Bus{}, invalid("the bus name %q: 1 to 256 letters, digits, dots, hyphens and underscores", in.Name)
	}
	if len(in.Description) > 512 {
		return Bus{}, invalid("Description has %d characters; 512 are allowed", len(in.Description))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.buses[in.Name]; there {
		return Bus{}, exists("Event bus " + in.Name)
	}
	in.Created = time.Now().UTC()
	if err := s.files.buses.Save(state.Name(in.Name), in); err != nil {
		return Bus{}, err
	}
	s.buses[in.Name] = in
	return in, nil
}

// EditBus changes a bus's description or tags, durably.
func (s *Service) EditBus(id string, edit func(*Bus)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(id)
	if err != nil {
		return err
	}
	next := b
	if next.Tags = maps.Clone(b.Tags); next.Tags == nil {
		next.Tags = map[string]string{}
	}
	edit(&next)
	next.Name = b.Name
	if err := s.files.buses.Save(state.Name(next.Name), next); err != nil {
		return err
	}
	s.buses[next.Name] = next
	return nil
}

// DeleteBus deletes a bus without rules. One that is not there is no error.
func (s *Service) DeleteBus(id string) error {
	name := busName(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == defaultBus {
		return invalid("Cannot delete event bus default.")
	}
	for _, r := range s.rules {
		if r.Bus == name {
			return invalid("Event bus %s has rules, %s among them: delete them first", name, r.Name)
		}
	}
	if err := s.files.buses.Remove(state.Name(name)); err != nil {
		return err
	}
	delete(s.buses, name)
	return nil
}

// Bus finds a bus by its name or ARN.
func (s *Service) Bus(id string) (Bus, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bus(id)
}

func (s *Service) bus(id string) (Bus, error) {
	if b, there := s.buses[busName(id)]; there {
		return b, nil
	}
	return Bus{}, notFound("Event bus %s does not exist.", busName(id))
}

// Buses are those whose names begin with a prefix, by name.
func (s *Service) Buses(prefix string) []Bus {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Bus
	for _, name := range slices.Sorted(maps.Keys(s.buses)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, s.buses[name])
		}
	}
	return all
}
