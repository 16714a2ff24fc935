package store

import (
	"context"

	"github.com/kithchat/kith/internal/relation"
)

var (
	upsertOnline = set{
		one: `INSERT INTO online (account, device, platform, client_ip) VALUES ($1, $2, $3, $4) ` + replaceOnline,
		all: `INSERT INTO online (account, device, platform, client_ip)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) ` + replaceOnline,
	}
	deleteOnline = set{
		one: `DELETE FROM online WHERE account = $1 AND device = $2`,
		all: `DELETE FROM online o USING unnest($1::bigint[], $2::text[]) AS j(account, device)
			WHERE o.account = ANY (ARRAY[j.account]) AND o.device = j.device COLLATE "C"`,
	}
)

const replaceOnline = `ON CONFLICT (account, device) DO UPDATE SET platform = excluded.platform, client_ip = excluded.client_ip`

// selectOnline begins with the devices, which are few, and finds the account of each.
const selectOnline = `SELECT a.sdkappid, a.userid, o.device, o.platform, o.client_ip
	FROM online o CROSS JOIN account a
	WHERE a.id = o.account AND (SELECT deleting FROM app p WHERE p.sdkappid = a.sdkappid) = 0`

const selectOnlineOf = `SELECT device, platform, client_ip FROM online WHERE account = $1 ORDER BY device`

type onlineKey struct {
	account int64
	device  string
}

// onlineRow is what a batch makes of a device's row: the device, or nothing.
type onlineRow struct {
	onlineKey
	gone             bool
	platform, client string
}

// changeOnline takes logins and ends of sessions into the batch. The last word on a device counts.
func (b *batch) changeOnline(owner *account, change relation.Change) {
	if len(change.Online)+len(change.Offline) == 0 {
		return
	}
	if b.devices == nil {
		b.devices = make(map[onlineKey]int)
	}
	for _, device := range change.Offline {
		b.putOnline(onlineRow{onlineKey: onlineKey{owner.id, device}, gone: true})
	}
	for _, d := range change.Online {
		b.putOnline(onlineRow{onlineKey: onlineKey{owner.id, d.ID}, platform: d.Origin.Platform, client: d.Origin.ClientIP})
	}
}

func (b *batch) putOnline(row onlineRow) {
	if i, known := b.devices[row.onlineKey]; known {
		b.online[i] = row
		return
	}
	b.devices[row.onlineKey] = len(b.online)
	b.online = append(b.online, row)
}

func (b *batch) writeOnline(c conn) error {
	var goneAccount, account []int64
	var goneDevice, device, platform, client []string
	for i := range b.online {
		row := &b.online[i]
		if row.gone {
			goneAccount, goneDevice = append(goneAccount, row.account), append(goneDevice, row.device)
			continue
		}
		account, device = append(account, row.account), append(device, row.device)
		platform, client = append(platform, row.platform), append(client, row.client)
	}
	if len(goneAccount) > 0 {
		if err := c.each(deleteOnline, nil, goneAccount, goneDevice); err != nil {
			return err
		}
	}
	if len(account) > 0 {
		return c.each(upsertOnline, nil, account, device, platform, client)
	}
	return nil
}

// Online implements relation.Store.
func (s *Store) Online(ctx context.Context, each func(relation.OnlineDevice)) error {
	err := s.engine.read(ctx, func(c conn) error {
		return c.query(selectOnline, func(r row) error {
			var d relation.OnlineDevice
			var app int64
			if err := r.scan(&app, &d.UserID, &d.ID, &d.Origin.Platform, &d.Origin.ClientIP); err != nil {
				return err
			}
			d.SDKAppID = uint32(app)
			each(d)
			return nil
		})
	})
	return unavailable(err)
}

// OnlineOf implements relation.Store.
func (s *Store) OnlineOf(ctx context.Context, key relation.AccountKey) ([]relation.Device, error) {
	var devices []relation.Device
	err := s.engine.read(ctx, func(c conn) error {
		var id int64
		if err := lookUp(c, key.SDKAppID, []string{key.UserID}, func(_ int, a account) { id = a.id }); err != nil || id == 0 {
			return err
		}
		return c.query(selectOnlineOf, func(r row) error {
			var d relation.Device
			err := r.scan(&d.ID, &d.Origin.Platform, &d.Origin.ClientIP)
			devices = append(devices, d)
			return err
		}, id)
	})
	return devices, unavailable(err)
}
