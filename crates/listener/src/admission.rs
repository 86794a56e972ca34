//! Which connections are accepted: room for them, and what one address may have.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    connections::{Connections, Counted},
    kind::Kind,
    limits::Limits,
    peers::{Peers, Slot},
    trusted_proxies::TrustedProxies,
};

/// Decides which connections are accepted.
pub(super) struct Admission {
    limits: Limits,
    proxies: TrustedProxies,
    ordinary: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    peers: Peers,
    reserve_peers: Peers,
    connections: Connections,
}

/// Room for one connection. Released when dropped.
pub(super) struct Room {
    pub(super) kind: Kind,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A connection that was accepted, counted until this is dropped.
pub(super) struct Admitted {
    pub(super) room: Room,
    _slot: Slot,
    _counted: Counted,
}

impl Admission {
    pub(super) fn new(limits: Limits, proxies: TrustedProxies, connections: Connections) -> Self {
        let semaphore = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            limits,
            proxies,
            ordinary: semaphore(limits.connections),
            reserve: semaphore(limits.reserve),
            peers: Peers::default(),
            reserve_peers: Peers::default(),
            connections,
        }
    }

    /// Whether less than a quarter of the connections is left.
    pub(super) fn is_scarce(&self) -> bool {
        self.ordinary.available_permits() < self.limits.connections / 4
    }

    /// Waits for room of either kind. The semaphores are never closed.
    pub(super) async fn acquire(&self) -> Room {
        tokio::select! {
            biased;
            permit = Arc::clone(&self.ordinary).acquire_owned() => {
                Room { kind: Kind::Ordinary, _permit: permit.ok() }
            }
            permit = Arc::clone(&self.reserve).acquire_owned() => {
                Room { kind: Kind::Reserve, _permit: permit.ok() }
            }
        }
    }

    /// Accepts a connection of `address`, as an ordinary one in `room`, or else in the reserve.
    /// `None` if neither has room for this address.
    pub(super) fn admit(&self, room: Room, address: IpAddr) -> Option<Admitted> {
        let placed = self.place(room, address);
        if placed.is_none() {
            self.connections.refuse(address);
        }
        let (room, slot) = placed?;
        if room.kind == Kind::Reserve && self.ordinary.available_permits() == 0 {
            self.connections.are_full(self.limits.connections);
        }
        let counted = self.connections.enter(room.kind);
        Some(Admitted { room, _slot: slot, _counted: counted })
    }

    fn place(&self, mut room: Room, address: IpAddr) -> Option<(Room, Slot)> {
        let now = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).try_acquire_owned().ok();
        // Since the room was found another connection may have ended.
        if room.kind == Kind::Reserve
            && let Some(permit) = now(&self.ordinary)
        {
            room = Room { kind: Kind::Ordinary, _permit: Some(permit) };
        }
        if room.kind == Kind::Ordinary {
            if let Some(slot) = self.peers.enter(address, self.most(address)) {
                return Some((room, slot));
            }
            room = Room { kind: Kind::Reserve, _permit: Some(now(&self.reserve)?) };
        }
        let slot = self.reserve_peers.enter(address, Some(self.limits.reserve_per_address))?;
        Some((room, slot))
    }

    /// How many ordinary connections `address` may have: a trusted proxy has those of all its
    /// clients. In the reserve it is bounded as any other, and leaves room for health checks.
    fn most(&self, address: IpAddr) -> Option<usize> {
        if self.proxies.contains(address) {
            return None;
        }
        self.limits.per_address.most(address)
    }
}
