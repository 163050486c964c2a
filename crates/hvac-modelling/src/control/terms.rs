//! Which terms power and condenser temperature are made of: the physics that has an optimum inside.
//!
//! A chiller's power by DOE-2's curves is (1, load, load²) times quadratics in the two water temperatures, for each
//! machine that runs; pumps and fans go with the cube of their speed. What fans and condenser pumps do for the
//! chiller goes through the condenser's temperature alone: wet-bulb, plus the tower's approach (more load, less air),
//! plus the water's range (load ÷ flow).

use super::equation::Product;
use super::state::{PlantQuantity, SPEEDS};

use super::super::role::Role;
use PlantQuantity::{
    ChwPumps, ChwSpeed, ChwSupply, Condenser, CwPumps, CwSpeed, FanSpeed, Humidity, LoadEach, Machines, ScpPumps,
    ScpSpeed, WetBulb,
};

/// What limits can be set on beside the controls.
pub(crate) const RESPONSES: [Role; 6] =
    [Role::ChwPressure, Role::ChwReturnTemp, Role::ChwFlow, Role::CwFlow, Role::CwSupplyTemp, Role::CwReturnTemp];

fn product(factors: &[(PlantQuantity, i32)]) -> Product {
    Product(factors.to_vec())
}

/// Of the condenser water's temperature, of those quantities that are known.
#[must_use]
pub(crate) fn condenser(known: &[PlantQuantity]) -> Vec<Product> {
    let (w, x, u, v) = (WetBulb, LoadEach, CwSpeed, FanSpeed);
    let all: &[&[(PlantQuantity, i32)]] = &[
        &[],
        &[(w, 1)],
        &[(w, 2)],
        &[(w, 3)],
        &[(Humidity, 1)],
        &[(w, 1), (Humidity, 1)],
        &[(x, 1)],
        &[(x, 2)],
        &[(x, 1), (w, 1)],
        &[(x, 1), (w, 2)],
        &[(u, -1)],
        &[(x, 1), (u, -1)],
        &[(x, 1), (u, -2)],
        &[(x, 2), (u, -1)],
        &[(x, 1), (u, -1), (w, 1)],
        &[(v, -1)],
        &[(v, -2)],
        &[(x, 1), (v, -1)],
        &[(x, 1), (v, -2)],
        &[(x, 2), (v, -1)],
        &[(v, -1), (w, 1)],
        &[(x, 1), (v, -1), (w, 1)],
        &[(x, 1), (u, -1), (v, -1)],
        &[(ChwSupply, 1)],
        &[(ChwSupply, 1), (x, 1)],
    ];
    all.iter().map(|factors| product(factors)).filter(|term| is_known(term, known)).collect()
}

/// Of power, of those quantities that are known.
#[must_use]
pub(crate) fn power(known: &[PlantQuantity]) -> Vec<Product> {
    let machines = product(&[(Machines, 1)]);
    let loads: Vec<Product> = (0..=2).map(|power| product(&[(LoadEach, power)])).collect();
    let (t, c) = (ChwSupply, Condenser);
    let temperatures: &[&[(PlantQuantity, i32)]] =
        &[&[], &[(t, 1)], &[(c, 1)], &[(t, 2)], &[(t, 1), (c, 1)], &[(c, 2)]];
    let mut terms: Vec<Product> = Vec::new();
    for load in &loads {
        for temperature in temperatures {
            terms.push(machines.times(load).times(&product(temperature)));
        }
    }
    if !known.contains(&Condenser) {
        let each = machines.times(&product(&[(LoadEach, 1)]));
        terms.extend(condenser(known).iter().map(|term| each.times(term)));
        terms.push(each.times(&product(&[(t, 1), (WetBulb, 1)])));
    }
    for (_, speed, count) in SPEEDS {
        terms.push(product(&[(count, 1), (speed, 3)]));
        terms.push(product(&[(count, 1), (speed, 2)]));
    }
    terms.push(product(&[]));
    let mut kept: Vec<Product> = Vec::new();
    for term in terms {
        let term = term.times(&product(&[]));
        if is_known(&term, known) && !kept.contains(&term) {
            kept.push(term);
        }
    }
    kept
}

/// Of something the plant answers with: pressure goes with the square of speed, flow with speed, water comes back
/// warmer by load ÷ flow.
#[must_use]
pub(crate) fn response(role: Role, known: &[PlantQuantity]) -> Vec<Product> {
    let all: &[&[(PlantQuantity, i32)]] = match role {
        Role::ChwPressure => &[
            &[],
            &[(ChwSpeed, 2)],
            &[(ChwPumps, 2), (ChwSpeed, 2)],
            &[(ScpSpeed, 2)],
            &[(ScpPumps, 2), (ScpSpeed, 2)],
            &[(Machines, 1), (LoadEach, 1)],
        ],
        Role::ChwReturnTemp => &[
            &[],
            &[(ChwSupply, 1)],
            &[(Machines, 1), (LoadEach, 1)],
            &[(Machines, 1), (LoadEach, 1), (ChwPumps, -1), (ChwSpeed, -1)],
            &[(Machines, 1), (LoadEach, 1), (ScpPumps, -1), (ScpSpeed, -1)],
        ],
        Role::ChwFlow => &[&[], &[(Machines, 1)], &[(ChwPumps, 1), (ChwSpeed, 1)], &[(ScpPumps, 1), (ScpSpeed, 1)]],
        Role::CwFlow => &[&[], &[(Machines, 1)], &[(CwPumps, 1), (CwSpeed, 1)]],
        _ => return condenser(known),
    };
    all.iter().map(|factors| product(factors)).filter(|term| is_known(term, known)).collect()
}

fn is_known(term: &Product, known: &[PlantQuantity]) -> bool {
    term.0.iter().all(|(quantity, _)| known.contains(quantity))
}
