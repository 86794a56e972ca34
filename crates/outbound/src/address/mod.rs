//! Where a request may go: the URL ([`Address`]), the class of an IP address ([`AddressClass`]) and
//! which classes are allowed ([`AddressPolicy`]).

mod class;
mod policy;
mod url;

pub use self::{
    class::AddressClass,
    policy::AddressPolicy,
    url::{Address, AddressError},
};
