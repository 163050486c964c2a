//! The plants that rules are judged on: sizes, weather, noise, units and names differ.

use super::load::Use;
use super::weather::Climate;

/// How a site's reports look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Siemens trend reports: dotted names, no units.
    Apogee,
    /// Tables with ISO times and metric units in brackets.
    Metric,
    /// Tables with ISO times and US units in brackets.
    Us,
}

/// A plant that can be simulated with faults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlantSpec {
    /// What it is asked for by.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Who uses the building.
    pub building: Use,
    /// Trains of chiller, pumps and tower cell.
    pub trains: u32,
    /// Air handlers that report.
    pub air_handlers: u32,
    /// Where it stands.
    pub climate: Climate,
    /// Times the noise of good sensors.
    pub noise: f64,
    /// How much its operator does by hand: 1 changes habits daily, 0 follows curves.
    pub hand: f64,
    /// IANA zone of its local times.
    pub timezone: &'static str,
    /// How its reports look.
    pub style: Style,
}

/// All plants, the default first.
pub const PLANTS: [PlantSpec; 3] = [
    PlantSpec {
        name: "hospital",
        about: "2 trains, subtropical, day and night, run by hand; Siemens reports without units",
        building: Use::Hospital,
        trains: 2,
        air_handlers: 4,
        climate: Climate::SUBTROPICAL,
        noise: 1.0,
        hand: 1.0,
        timezone: "Asia/Taipei",
        style: Style::Apogee,
    },
    PlantSpec {
        name: "office",
        about: "3 trains, maritime, stands at night, run by a controller; °C, L/s, kW",
        building: Use::Office,
        trains: 3,
        air_handlers: 6,
        climate: Climate::MARITIME,
        noise: 0.5,
        hand: 0.3,
        timezone: "UTC",
        style: Style::Metric,
    },
    PlantSpec {
        name: "campus",
        about: "6 trains, continental, day and night, noisy sensors; °F, GPM, tons",
        building: Use::Hospital,
        trains: 6,
        air_handlers: 8,
        climate: Climate::CONTINENTAL,
        noise: 2.5,
        hand: 0.6,
        timezone: "America/Denver",
        style: Style::Us,
    },
];

/// The plant of that name.
#[must_use]
pub fn plant(name: &str) -> Option<&'static PlantSpec> {
    PLANTS.iter().find(|plant| plant.name == name)
}

impl PlantSpec {
    /// Whether the air handler of that index runs day and night, by schedule: every other one of a hospital.
    #[must_use]
    pub(crate) fn runs_always(&self, air_handler: usize) -> bool {
        self.building == Use::Hospital && air_handler.is_multiple_of(2)
    }
}
